"""Graph screen: the assets around one, in layers from left to right, with lit paths and folded groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus
from upriver.materializer.model import State
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.asset_actions import ASSET_BINDINGS, AssetActions
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.diagram import DiagramView
from upriver.tui.app.widgets.neighbourhood import MORE, neighbours, node_width, write_node
from upriver.tui.app.widgets.text_line import Written
from upriver.tui.present.glyphs import STATE
from upriver.tui.present.styles import Line, Styles
from upriver.tui.present.views.copying import Copy, as_json, command
from upriver.tui.present.views.diagram import draw, lit_edges
from upriver.tui.present.views.layers import Edge, layer_numbers, place
from upriver.tui.present.words import reason_text

MOST_IN_RING = 24
"""Of more neighbours at one distance the rest is drawn as one node."""

FOLD = "+"
"""Nodes whose name starts so are folded groups: ``+layer:group:count``."""

LABEL = 34
_WORST = (
    State.BROKEN,
    State.FAILED,
    State.BLOCKED,
    State.STALE,
    State.PENDING,
    State.MISSING,
    State.RUNNING,
    State.FRESH,
)


def fold(
    nodes: list[str], edges: list[Edge], keep: str
) -> tuple[list[str], list[Edge], dict[str, tuple[str, ...]]]:
    """Fold nodes of one layer and one group (the key without its last part) into one; *keep* stays.

    Within a layer there are no edges, so that folding makes no cycles.
    """
    numbers = layer_numbers(nodes, edges)
    groups: dict[tuple[int, str], list[str]] = {}
    for node in nodes:
        if node != keep and not node.startswith(MORE) and "." in node:
            groups.setdefault((numbers[node], node.rpartition(".")[0]), []).append(node)
    renamed = {node: node for node in nodes}
    members: dict[str, tuple[str, ...]] = {}
    for (layer, group), inside in groups.items():
        if len(inside) > 1:
            name = f"{FOLD}{layer}:{group}:{len(inside)}"
            members[name] = tuple(inside)
            renamed.update((node, name) for node in inside)
    folded = list(dict.fromkeys(renamed[node] for node in nodes))
    return folded, list(dict.fromkeys((renamed[a], renamed[b]) for a, b in edges)), members


class GraphScreen(AssetActions, TabScreen):
    """Tab 2."""

    TAB = "Graph"
    AUTO_FOCUS = "#graph"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "recentre", "centre here", tooltip="Draw the graph around the asset under the cursor"
        ),
        Binding("plus", "depth(1)", "more", tooltip="One hop more each way"),
        Binding("minus", "depth(-1)", "less", tooltip="One hop less each way"),
        Binding("tab", "trace", "trace", tooltip="Light every path through the cursor"),
        Binding("z", "fold", "fold", tooltip="Fold assets of one group and layer into one node"),
        *(b for b in ASSET_BINDINGS if isinstance(b, Binding) and b.action not in ("graph", "log")),
        Binding("L", "log", "log", show=False, tooltip="What it printed in its last run"),
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._depth = 2
        self._traced = True
        self._folded = False
        self._members: dict[str, tuple[str, ...]] = {}

    @property
    def view(self) -> DiagramView:
        """The drawing."""
        return self.query_one(DiagramView)

    @property
    def subject(self) -> Key | None:
        """The asset under the cursor."""
        cursor = self.view.cursor if self.ready else self.key
        return cursor if cursor in self.model.statuses else None

    def body(self) -> Iterable[Widget]:
        """The drawing and a line about the node under the cursor."""
        view = DiagramView(self._write, id="graph", floating=True)
        view.add_class("panel")
        view.styles.height = "1fr"
        yield view
        yield Written(self._write_about, id="about")

    def on_mount(self) -> None:
        """Draw, as deep as there is room."""
        self.call_after_refresh(self._draw_graph, self.key)

    def _draw_graph(self, cursor: str) -> None:
        if not self.model.statuses:
            return
        nodes, edges = neighbours(self.model.statuses, self.key, hops=self._depth, most=MOST_IN_RING)
        numbers: Mapping[str, int] | None = None
        self._members = {}
        if self._folded:
            deep = layer_numbers(nodes, edges)
            nodes, edges, self._members = fold(nodes, edges, self.key)
            numbers = {n: deep[self._members[n][0]] if n in self._members else deep[n] for n in nodes}
        placement = place(nodes, edges, layers=numbers)
        diagram = draw(
            nodes,
            edges,
            self._width,
            ascii=self.text_styles.ascii,
            placement=placement,
            room=self.view.size.height,
        )
        cursor = cursor if cursor in diagram.boxes else self.key
        self.view.show(diagram, cursor, lit_edges(edges, cursor) if self._traced else ())
        hops = f"{self._depth} hop{'s' if self._depth != 1 else ''} each way"
        self.view.border_title = self.host.title_text(f"Graph of {self.key}", f"{len(nodes)} nodes, {hops}")
        self._moved()

    def _width(self, node: str) -> int:
        if node in self._members:
            return min(LABEL, len(self._folded_text(node))) + 2
        return node_width(node, LABEL)

    def _folded_text(self, node: str) -> str:
        _, group, count = node.split(":")
        return f"{group}.* ({count})"

    def _write(self, node: str, width: int, here: bool, styles: Styles) -> Line:
        if node not in self._members:
            return write_node(self.host, node, here, self.key, styles, LABEL)
        states = {self.model.statuses[key].state for key in self._members[node] if key in self.model.statuses}
        worst = next((state for state in _WORST if state in states), State.FRESH)
        under = styles.cursor if here else styles.text
        line = styles.line().add(STATE[worst].sign(styles.ascii) + " ", styles.state(worst))
        return line.add(self._folded_text(node), styles.primary + under if here else styles.primary)

    def on_diagram_view_moved(self, message: DiagramView.Moved) -> None:
        """Light other paths."""
        self._moved()
        if self._traced:
            self.view.lit = lit_edges(list(self.view.edges()), message.node)
            self.view.redraw()

    def on_diagram_view_chosen(self, message: DiagramView.Chosen) -> None:
        """Centre there."""
        self.action_recentre()

    def _moved(self) -> None:
        self.query_one("#about", Written).rewrite()
        self.keys_changed()

    def _write_about(self, width: int, height: int, styles: Styles) -> list[Line]:
        line = styles.line().gap()
        cursor = self.view.cursor
        if cursor in self._members:
            return [line.add(", ".join(self._members[cursor]), styles.muted)]
        status: AssetStatus | None = self.model.statuses.get(cursor)
        if status is None:
            return [line]
        mark = STATE[status.state]
        line.add(f"{mark.sign(styles.ascii)} {mark.word}", styles.state(status.state)).gap(2)
        line.add(status.asset, styles.bold).gap(2)
        because = "; ".join(reason_text(reason, status.asset) for reason in status.reasons)
        line.add(because or status.description, styles.muted)
        return [line]

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """Draw states again; draw all of it when what reads what may be different."""
        super().project_changed(changed, order=order)
        if order or self.view.diagram is None:
            self._draw_graph(self.view.cursor or self.key)
        elif changed:
            self.view.redraw()
            self._moved()

    # -- actions -------------------------------------------------------------------------------------

    def action_recentre(self) -> None:
        """Draw around the node under the cursor; a folded group is opened."""
        if self.view.cursor in self._members:
            self._folded = False
            self._draw_graph(self._members[self.view.cursor][0])
        elif self.subject is not None:
            self.key = self.subject
            self._draw_graph(self.key)

    def action_depth(self, step: int) -> None:
        """Show more or fewer hops."""
        self._depth = max(1, min(12, self._depth + step))
        self._draw_graph(self.view.cursor)

    def action_trace(self) -> None:
        """Light paths or not."""
        self._traced = not self._traced
        self._draw_graph(self.view.cursor)

    def action_fold(self) -> None:
        """Fold groups or not."""
        self._folded = not self._folded
        self._draw_graph(self.view.cursor)

    def copy(self) -> Copy:
        """The graph as Mermaid."""
        edges = sorted(self.view.edges())
        names = {node: f"n{at}" for at, node in enumerate(sorted({end for edge in edges for end in edge}))}
        lines = ["```mermaid", "flowchart LR"]
        lines += [f'  {name}["{node}"]' for node, name in names.items()]
        lines += [f"  {names[a]} --> {names[b]}" for a, b in edges]
        return Copy(
            "\n".join([*lines, "```"]),
            as_json({"nodes": list(names), "edges": [{"from": a, "to": b} for a, b in edges]}),
            command(*routes.Graph(self.key).words),
        )
