"""Why screen: the chain to every root cause, the code that changed, what was ruled out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import Explanation, Link
from upriver.materializer.model import State
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.asset_actions import ASSET_BINDINGS, AssetActions
from upriver.tui.app.screen_bases.screen import TabScreen
from upriver.tui.app.widgets.diff_rows import diff_rows
from upriver.tui.app.widgets.row_list import RowList
from upriver.tui.app.widgets.text import Row, TextRows, blank, heading, plain, wrapped
from upriver.tui.present import figures
from upriver.tui.present.glyphs import STATE
from upriver.tui.present.styles import Line, Styles, fit, fit_key
from upriver.tui.present.views.copying import Copy, as_json, command
from upriver.tui.present.views.diffs import first_change
from upriver.tui.present.views.order import reach
from upriver.tui.present.words import reason_text

ROOTS = "①②③④⑤⑥⑦⑧⑨"


class WhyScreen(AssetActions, TabScreen):
    """The cursor walks the chain; every action is about the asset under it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "why this", tooltip="Explain the asset under the cursor"),
        Binding("b", "blast", "blast", show=False, tooltip="List everything that hangs on the root causes"),
        *ASSET_BINDINGS,
    ]

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._explanation: Explanation | None = None

    def body(self) -> Iterable[Widget]:
        """One panel."""
        rows = TextRows(id="why", classes="panel")
        rows.styles.height = "1fr"
        yield rows

    def on_mount(self) -> None:
        """Ask."""
        self._ask()

    def _ask(self) -> None:
        key, session = self.key, self.host.session
        rows = self.query_one(TextRows)
        rows.border_title = self.host.title_text(f"Why is {key} …")
        if self._explanation is None:
            rows.show([plain("looking for the causes …", "muted")])
        self.ask(lambda: session.why(key), self._take_explanation, self._why_failed)

    def _take_explanation(self, explanation: Explanation) -> None:
        self._explanation = explanation
        rows = self.query_one(TextRows)
        mark = STATE[explanation.state]
        title = f"Why is {explanation.asset} {mark.word}?"
        rows.border_title = self.host.title_text(title)
        rows.border_subtitle = self.host.title_text(f"$ upriver why {explanation.asset}")
        rows.show(self._rows(explanation))
        self.keys_changed()

    def _why_failed(self, error: Exception) -> None:
        """Show why it could not be explained."""
        self.query_one(TextRows).show(wrapped(str(error), "failed"))

    def project_changed(self, changed: set[Key], *, order: bool) -> None:
        """Explain again when something on the chain is different."""
        super().project_changed(changed, order=order)
        links = {link.asset for link in self._explanation.chain} if self._explanation else set()
        if changed & (links | {self.key}):
            self._ask()

    @property
    def subject(self) -> Key | None:
        """The asset under the cursor."""
        here = self.query_one(TextRows).here
        return here if here in self.model.statuses else self.key

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Other things may be possible with another asset."""
        self.keys_changed()

    def on_row_list_chosen(self, message: RowList.Chosen) -> None:
        """Explain the asset under the cursor."""
        self.action_open()

    def action_open(self) -> None:
        """Explain the asset under the cursor."""
        subject = self.subject
        if subject is not None and subject != self.key:
            self.host.open(routes.Why(subject))

    def action_edit(self) -> None:
        """Open the changed line, if the cause lies here."""
        link = self._link(self.subject)
        place = first_change(link.diffs[0]) if link is not None and link.diffs else None
        if place is not None:
            self.host.edit(place)
        else:
            super().action_edit()

    def _link(self, key: Key | None) -> Link | None:
        chain = self._explanation.chain if self._explanation else ()
        return next((link for link in chain if link.asset == key), None)

    # -- rows ----------------------------------------------------------------------------------------

    def _rows(self, why: Explanation) -> list[Row]:
        roots = {link.asset: sign for link, sign in zip(_roots(why), ROOTS, strict=False)}
        rows = [Row(lambda width, styles: self._headline(why, len(_roots(why)), styles)), blank()]
        if why.chain:
            rows.append(heading("CHAIN", "each line is there because of the one below it"))
            rows += [_link_row(link, roots.get(link.asset, "")) for link in why.chain]
        for link in _roots(why):
            rows += self._root_rows(link, roots.get(link.asset, ""))
        if why.ruled_out:
            rows += [blank(), heading("RULED OUT")]
            rows += [_checked(text) for text in why.ruled_out]
        if why.chain and why.state is not State.FRESH:
            rows += [blank(), heading("BLAST", self._blast(why))]
        if why.rebuild:
            seconds = sum(step.seconds or 0.0 for step in why.rebuild)
            work = f", {figures.duration(seconds)} of work at most" if seconds else ""
            rows += [blank(), heading("REBUILD", f"{len(why.rebuild)} to look at{work}; m builds it")]
        return rows

    def _blast(self, why: Explanation) -> str:
        """What hangs on the root causes, and how much of it need not be touched."""
        statuses = self.model.statuses
        roots = [link.asset for link in _roots(why)] or [why.asset]
        below = {key for root in roots for key in reach(statuses, root, down=True)}
        hit = [statuses[key] for key in below if statuses[key].state is not State.FRESH]
        if not below:
            return "nothing reads it"
        seconds = sum(status.seconds or 0.0 for status in hit)
        work = f" ({self.text_styles.glyph('≈', '~')}{figures.duration(seconds)})" if seconds else ""
        spared = len(below) - len(hit)
        fresh = f"; {spared} stay fresh: they read nothing that changed" if spared else ""
        return f"{len(hit)} of {len(below)} downstream may have to be built{work}{fresh}; b lists them"

    def action_blast(self) -> None:
        """List everything that hangs on the root causes."""
        why = self._explanation
        if why is None:
            self.host.say("the causes are still being looked for")
            return
        roots = [link.asset for link in _roots(why)] or [why.asset]
        self.host.go(1)
        self.host.set_filter(" ".join(f"{root}+" for root in roots))

    def _headline(self, why: Explanation, roots: int, styles: Styles) -> Line:
        mark = STATE[why.state]
        line = styles.line().gap().add(f"{mark.sign(styles.ascii)} {mark.word}", styles.state(why.state))
        status = self.model.statuses.get(why.asset)
        if status is not None and status.materialized_at is not None:
            ago = figures.ago(self.host.clock() - status.materialized_at)
            line.add(f"   last good {ago}", styles.muted)
        if why.state is State.FRESH:
            return line.add("   nothing that it reads has changed", styles.muted)
        hops = max((link.depth for link in why.chain), default=0)
        words = f"{roots} root cause{'s' if roots != 1 else ''}"
        return line.add(f"   {words}, {hops} hop{'s' if hops != 1 else ''} away", styles.muted)

    def _root_rows(self, link: Link, sign: str) -> list[Row]:
        rows: list[Row] = []
        for diff in link.diffs:
            rows += [
                blank(),
                heading(f"{self.text_styles.glyph(sign, '*')} {first_change(diff) or diff.name}", diff.name),
            ]
            rows += diff_rows(diff)
        for diagnosis in link.diagnoses:
            rows += [blank(), heading(f"{self.text_styles.glyph(sign, '*')} {link.asset}", "what is wrong")]
            rows += [
                plain(text, "failed" if number == 0 else "muted", 3)
                for number, text in enumerate(str(diagnosis).split("\n"))
            ]
        status = self.model.statuses.get(link.asset)
        if status is not None and status.error and not link.diagnoses:
            rows += [blank(), heading(f"{self.text_styles.glyph(sign, '*')} {link.asset}", "what it said")]
            rows += wrapped(status.error, "failed", 3)
        return rows

    def copy(self) -> Copy:
        """The explanation."""
        why = self._explanation
        if why is None:
            return Copy(command=command(*routes.Why(self.key).words))
        lines = [f"**{why.asset}** is {why.state.value}", ""]
        for link in why.chain:
            because = "; ".join(reason_text(reason, link.asset) for reason in link.reasons)
            lines.append(f"{'  ' * link.depth}- `{link.asset}`: {because}")
            for diff in link.diffs:
                body = [f"{'  ' * link.depth}  {text}" for text in ("```diff", *diff.lines, "```")]
                lines += body
        lines += ["", *(f"- ruled out: {text}" for text in why.ruled_out)]
        return Copy("\n".join(lines).rstrip(), as_json(why), command(*routes.Why(self.key).words))


def _roots(why: Explanation) -> list[Link]:
    return [link for link in why.chain if link.root]


def _link_row(link: Link, sign: str) -> Row:
    def write(width: int, styles: Styles) -> Line:
        mark = STATE[link.state]
        branch = styles.glyph("└ ", "` ") if link.depth else ""
        line = styles.line().gap(1 + 2 * min(link.depth, 8))
        line.add(branch, styles.faint).add(mark.sign(styles.ascii) + " ", styles.state(link.state))
        name_width = max(16, min(44, width // 2) - line.width)
        line.add(fit_key(link.asset, name_width), styles.text, name_width).gap()
        line.add(styles.glyph(sign, "*" if sign else ""), styles.key, 2).gap()
        style = styles.text if link.root else styles.muted
        because = "; ".join(reason_text(reason, link.asset) for reason in link.reasons)
        return line.add(fit(because, width - line.width), style)

    return Row(write, link.asset)


def _checked(text: str) -> Row:
    def write(width: int, styles: Styles) -> Line:
        return (
            styles.line()
            .gap()
            .add(styles.glyph("✓", "+"), styles.fresh)
            .gap()
            .add(fit(text, width - 4), styles.muted)
        )

    return Row(write)
