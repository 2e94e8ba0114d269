"""Columns screen: column lineage, hop by hop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.lineage.model import EdgeKind
from upriver.materializer.answers import ColumnNode, LineageView, ViewEdge
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.asset_actions import ASSET_BINDINGS, AssetActions
from upriver.tui.app.screen_bases.column_actions import COLUMN_BINDINGS, ColumnActions
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.diagram import DiagramView
from upriver.tui.app.widgets.text_line import Written
from upriver.tui.present.glyphs import HOW, STATE, how_sign
from upriver.tui.present.styles import Line, Styles, cells, fit, fit_key
from upriver.tui.present.views.columns import HEADING, Explored, explore, node_of, parts_of
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.views.diagram import lit_edges
from upriver.tui.present.words import plural

NAME = 26
HOPS = 3


class ColumnsScreen(ColumnActions, AssetActions, TabScreen):
    """Tab 3. The cursor chooses a column of the asset in the middle, or walks to columns of others."""

    TAB = "Columns"
    AUTO_FOCUS = "#columns"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "recentre", "centre here", tooltip="Explore the column under the cursor"),
        Binding("tab", "whole", "whole path", tooltip=f"Follow to the ends, or {HOPS} hops"),
        Binding("i", "influence", "values only", tooltip="Hide or show what only decides rows: filters, joins, groups"),
        *COLUMN_BINDINGS,
        *(b for b in ASSET_BINDINGS if isinstance(b, Binding) and b.action not in ("columns", "log", "rename")),
        Binding("y", "copy_markdown", "copy", show=False),
    ]  # fmt: skip

    def __init__(self, key: Key, column: str | None = None) -> None:
        super().__init__()
        self.key = key
        self.column = column
        self._lineage: LineageView | None = None
        self._columns: tuple[str, ...] = ()
        self._types: dict[str, str] = {}
        self._explored: Explored | None = None
        self._influence = True
        self._whole = False
        self._problem: str | None = None

    @property
    def view(self) -> DiagramView:
        """The drawing."""
        return self.query_one(DiagramView)

    @property
    def chosen(self) -> tuple[Key, str]:
        """Asset and column under the cursor; the column is empty on a heading."""
        return parts_of(self.view.cursor) if self.ready else ("", "")

    def below_changed(self) -> None:
        """Write the lines below the drawing again: more is known now."""
        self.query_one("#how", Written).rewrite()

    def column_renamed(self, asset: Key, old: str, new: str) -> None:
        """Show it under its new name."""
        if (asset, old) == (self.key, self.column):
            self.column = new
        self._ask()

    @property
    def subject(self) -> Key | None:
        """The asset of the column under the cursor."""
        cursor = self.view.cursor if self.ready else ""
        return parts_of(cursor)[0] if cursor else self.key

    def body(self) -> Iterable[Widget]:
        """The drawing, and how the column under the cursor is made."""
        view = DiagramView(self._write, id="columns", floating=True)
        view.add_class("panel")
        view.styles.height = "1fr"
        yield view
        yield Written(self._write_how, id="how")

    def on_mount(self) -> None:
        """Ask."""
        self._ask()

    def _ask(self) -> None:
        key, session, depth = self.key, self.host.session, None if self._whole else HOPS
        self.view.border_title = self.host.title_text(f"Columns of {key}", "reading …")
        self.ask(
            lambda: (key, session.lineage(key, columns=True, depth=depth)),
            self._take_lineage,
            self._lineage_failed,
        )

    def _take_lineage(self, found: tuple[Key, LineageView]) -> None:
        key, lineage = found
        if key != self.key:
            return
        self._lineage, self._problem = lineage, None
        self.drops.clear()
        names: dict[str, str] = {}
        for node in lineage.nodes:
            if node.asset == key and node.column is not None:
                names[node.column] = node.type or ""
        self._columns, self._types = tuple(names), names
        if not names:
            notes = [note.cause for note in lineage.opaque if note.asset == key]
            self._problem = f"its columns are not known{': ' + notes[0] if notes else ' before it is built'}"
        elif self.column not in names:
            self.column = self._columns[0]
        self._draw_columns()

    def _lineage_failed(self, error: Exception) -> None:
        """Show why it could not be read."""
        self._problem = str(error)
        self._draw_columns()

    def _draw_columns(self) -> None:
        how = self.query_one("#how", Written)
        if self._lineage is None or self.column is None or not self._columns:
            self.view.border_title = self.host.title_text(f"Columns of {self.key}")
            how.rewrite()
            return
        self._explored = explore(
            self._lineage, self._columns, self.key, self.column, self._width,
            influence=self._influence, ascii=self.text_styles.ascii,
        )  # fmt: skip
        focus = node_of(self.key, self.column)
        self._sign_edges()
        self.view.show(self._explored.diagram, focus, lit_edges(list(self._explored.edges), focus))
        assets = {parts_of(end)[0] for ends in self._explored.edges for end in ends} - {self.key}
        detail = f"{plural(len(assets), 'asset')}{'' if self._influence else ', values only'}"
        self.view.border_title = self.host.title_text(f"{self.key}.{self.column}", detail)
        self.view.border_subtitle = self.host.title_text(
            f"$ upriver lineage {self.key}.{self.column} --columns"
        )
        how.rewrite()
        self.ask_about_drop()
        self.keys_changed()

    def _sign_edges(self) -> None:
        assert self._explored is not None
        styles = self.text_styles
        signs = {}
        for place, ends in self._explored.diagram.labels.items():
            edge = _strongest(self._explored.edges[ends])
            role = "accent" if edge.kind is EdgeKind.VALUE else "stale"
            signs[place] = (how_sign(edge.how, styles.ascii), role)
        self.view.signs = signs

    # -- drawing -------------------------------------------------------------------------------------

    def _label(self, node: str) -> str:
        asset, column = parts_of(node)
        if node.startswith(HEADING):
            return fit_key(asset, NAME)
        kind = self._types.get(column, "").lower() if asset == self.key else ""
        return f" {fit(column, NAME)}" + (f"  {fit(kind, 14)}" if kind else "")

    def _width(self, node: str) -> int:
        return cells(self._label(node)) + (2 if node.startswith(HEADING) else 0)

    def _write(self, node: str, width: int, here: bool, styles: Styles) -> Line:
        asset, column = parts_of(node)
        line = styles.line()
        status = self.model.statuses.get(asset)
        if node.startswith(HEADING):
            if status is not None:
                line.add(STATE[status.state].sign(styles.ascii) + " ", styles.state(status.state))
            return line.add(fit_key(asset, NAME), styles.bold if asset == self.key else styles.primary)
        chosen = asset == self.key and column == self.column
        style = (
            styles.key if chosen else styles.text if asset != self.key or self._linked(node) else styles.muted
        )
        under = styles.cursor if here else styles.text
        line.add(
            f"{styles.glyph('▸', '>') if here else ' '}{fit(column, NAME)}", style + under if here else style
        )
        kind = self._types.get(column, "").lower() if asset == self.key else ""
        return line.add(f"  {fit(kind, 14)}", styles.faint) if kind else line

    def _linked(self, node: str) -> bool:
        return self._explored is not None and any(node in ends for ends in self._explored.edges)

    def _write_how(self, width: int, height: int, styles: Styles) -> list[Line]:
        if self._problem is not None:
            return [styles.line().gap().add(self._problem.split("\n")[0], styles.stale)]
        if self._explored is None:
            return []
        asset, column = parts_of(self.view.cursor)
        lines = [styles.line().gap().add(f"{asset}.{column}", styles.bold)]
        into = [
            e
            for ends, all_edges in self._explored.edges.items()
            if ends[1] == self.view.cursor
            for e in all_edges
        ]
        ordered = sorted(into, key=lambda e: e.kind is not EdgeKind.VALUE)
        # An expression over several columns is one way, however many edges it makes.
        told = {(e.how, e.expression or f"{e.source.asset}.{e.source.column or '*'}"): e for e in ordered}
        for (how, text), edge in list(told.items())[: max(1, height - 3)]:
            value = edge.kind is EdgeKind.VALUE
            line = (
                styles.line()
                .gap(2)
                .add(how_sign(how, styles.ascii), styles.accent if value else styles.stale)
            )
            lines.append(line.add(f" {how:<11}", styles.muted).add(text, styles.text))
        if not into:
            lines.append(styles.line().gap(2).add("comes from nowhere upstream", styles.faint))
        return [*lines, self.impact_line(styles), self._legend(styles)][:height]

    def _legend(self, styles: Styles) -> Line:
        line = styles.line().gap(2)
        for how, (glyph, letter) in HOW.items():
            line.add(styles.glyph(glyph, letter), styles.accent).add(f" {how} ", styles.faint)
        return line

    # -- moves and actions ---------------------------------------------------------------------------

    def on_diagram_view_moved(self, message: DiagramView.Moved) -> None:
        """Another column of the asset in the middle is explored; any other is only looked at."""
        asset, column = parts_of(message.node)
        if asset == self.key and column != self.column:
            self.column = column
            self._draw_columns()
        self.query_one("#how", Written).rewrite()
        self.ask_about_drop()
        self.keys_changed()

    def on_diagram_view_chosen(self, message: DiagramView.Chosen) -> None:
        """Explore it."""
        self.action_recentre()

    def action_recentre(self) -> None:
        """Explore the column under the cursor."""
        asset, column = parts_of(self.view.cursor)
        if asset and asset != self.key:
            self.key, self.column = asset, column
            self._ask()

    def action_whole(self) -> None:
        """Follow to the ends, or a few hops."""
        self._whole = not self._whole
        self._ask()

    def action_influence(self) -> None:
        """Hide or show influence."""
        self._influence = not self._influence
        self._draw_columns()

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """Read it again when the asset is different."""
        super().project_changed(changed, order=order)
        if self.key in changed:
            self._ask()
        elif changed and self.view.diagram is not None:
            self.view.redraw()

    def copy(self) -> Copy:
        """The edges."""
        explored = [
            edge for edges in (self._explored.edges if self._explored else {}).values() for edge in edges
        ]
        rows = [
            (_name(e.source), _name(e.target), e.kind.value, e.how, e.expression)
            for e in explored
        ]  # fmt: skip
        words = routes.Columns(self.key, self.column).words
        return Copy(
            table(("from", "to", "kind", "how", "expression"), rows), as_json(explored), command(*words)
        )


def _name(node: ColumnNode) -> str:
    return node.asset if node.column is None else f"{node.asset}.{node.column}"


def _strongest(edges: tuple[ViewEdge, ...]) -> ViewEdge:
    """Of several edges between two columns the one that carries values."""
    return min(edges, key=lambda edge: edge.kind is not EdgeKind.VALUE)
