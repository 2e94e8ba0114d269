"""Build dialog: the choice of what to build, its plan, and the start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from upriver.assets.model import Key
from upriver.materializer.answers import Plan, Step
from upriver.materializer.model import Action, State
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.dialog import Dialog
from upriver.tui.app.widgets.text import Row, TextRows, heading, plain
from upriver.tui.app.widgets.text_line import Written
from upriver.tui.present import figures
from upriver.tui.present.glyphs import ACTION
from upriver.tui.present.styles import Line, Styles, fit_key
from upriver.tui.present.views.copying import Copy, as_json, command, table
from upriver.tui.present.words import reasons_text

_MOST_ROWS = 22


@dataclass(frozen=True)
class Scope:
    """One choice of what to build."""

    name: str
    select: tuple[str, ...]


def scopes(keys: Sequence[Key], counts: dict[State, int]) -> list[Scope]:
    """The choices for *keys* (none: the project)."""
    bad = tuple(f"state:{s}" for s in (State.FAILED, State.BLOCKED) if counts[s])
    choices = [Scope("all stale", ())]
    if bad:
        choices.append(Scope("failed + blocked", bad))
    if not keys:
        return choices
    one = len(keys) == 1
    return [
        Scope("this" if one else f"{len(keys)} marked", tuple(keys)),
        Scope("with downstream", tuple(f"{key}+" for key in keys)),
        Scope("with upstream", tuple(f"+{key}" for key in keys)),
        Scope("both ways", tuple(f"+{key}+" for key in keys)),
        *choices,
    ]


class BuildDialog(Dialog[None]):
    """Enter starts the build of the chosen scope; nothing happens before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "build", priority=True),
        Binding("tab,right", "scope(1)", "what", priority=True, tooltip="Another choice of what to build"),
        Binding(
            "shift+tab,left", "scope(-1)", "what", show=False, priority=True, tooltip="The choice before"
        ),
        Binding("f", "force", "force", tooltip="Build even what is fresh"),
        Binding("plus", "jobs(1)", "more jobs", show=False, tooltip="One more at the same time"),
        Binding("minus", "jobs(-1)", "fewer jobs", show=False, tooltip="One less at the same time"),
    ]

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__()
        self._keys = tuple(keys)
        self._scopes: list[Scope] = []
        self._at = 0
        self._force = False
        self._jobs: int | None = None
        self._plan: Plan | None = None
        self._error: str | None = None

    def headline(self) -> str:
        """What the dialog is about."""
        if len(self._keys) == 1:
            return f"Build {self._keys[0]}"
        return f"Build {len(self._keys)} marked assets" if self._keys else "Build"

    def body(self) -> Iterable[Widget]:
        """Choices, plan, sum."""
        self._scopes = scopes(self._keys, self.model.counts)
        yield Written(self._write_scopes, id="scopes")
        yield TextRows(id="plan")
        yield Written(self._write_sum, id="sum")

    def on_mount(self) -> None:
        """Ask for the plan."""
        self.query_one("#sum", Written).styles.height = 2
        self._plan_again()

    @property
    def scope(self) -> Scope:
        """What is chosen."""
        return self._scopes[self._at]

    def _plan_again(self) -> None:
        self._plan, self._error = None, None
        select, force, session = self.scope.select, self._force, self.host.session
        self.ask(lambda: session.plan(select, force=force), self._take_plan, self._plan_failed)
        self._show()

    def _take_plan(self, plan: Plan) -> None:
        self._plan = plan
        self._show()

    def _plan_failed(self, error: Exception) -> None:
        self._error = str(error)
        self._show()

    def _show(self) -> None:
        rows = self.query_one(TextRows)
        if self._error is not None:
            rows.show(plain(line, "failed") for line in self._error.split("\n"))
        elif self._plan is None:
            rows.show([plain("making the plan …", "muted")])
        else:
            rows.show(plan_rows(self._plan))
        room = self.host.size.height - 8
        rows.styles.height = max(3, min(rows.count, _MOST_ROWS, room))
        for line in self.query(Written):
            line.rewrite()
        self.keys_changed()

    def _write_scopes(self, width: int, height: int, styles: Styles) -> list[Line]:
        line = styles.line()
        for number, scope in enumerate(self._scopes):
            here = number == self._at
            text = f" {scope.name} "
            if line.width + len(text) + 1 > width:
                break
            line.gap().add(text, styles.bold + styles.cursor if here else styles.muted)
        return [line]

    def _write_sum(self, width: int, height: int, styles: Styles) -> list[Line]:
        plan = self._plan
        if plan is None:
            return []
        number = dict.fromkeys(Action, 0)
        for step in plan.steps:
            number[step.action] += 1
        line = styles.line().gap()
        for action, many in number.items():
            if many:
                mark = ACTION[action]
                line.add(f"{mark.sign(styles.ascii)} {many} {mark.word}", styles.mark(mark)).gap(2)
        if plan.seconds is not None:
            line.add(f"{styles.glyph('≈', '~')} {figures.duration(self._wall(plan))}", styles.text)
        right = styles.line()
        if self._force:
            right.add("forced  ", styles.stale)
        right.add(f"jobs {self._jobs or 'auto'} ", styles.muted)
        second = styles.line()
        if plan.critical_path and plan.seconds:
            path = f" {styles.glyph('→', '>')} ".join(plan.critical_path)
            longest = f"longest chain {figures.duration(plan.seconds)}: "
            second.gap().add(longest, styles.muted).add(path, styles.muted, max(8, width - len(longest) - 2))
        return [line.right(right, width), second]

    @staticmethod
    def _wall(plan: Plan) -> float:
        """Expected seconds: the longest chain at least."""
        work = sum(step.seconds or 0.0 for step in plan.steps if step.action is not Action.FRESH)
        return max(plan.seconds or 0.0, work / 4)

    # -- actions -------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """Why the build can't start."""
        if action != "start":
            return None
        if self._error is not None:
            return "there is no plan to build"
        if self._plan is None:
            return "the plan is still being made"
        return None if self._plan.stale or self._force else "everything is fresh: there is nothing to build"

    def action_start(self) -> None:
        """Build, and show the run."""
        if self.refuse("start"):
            return
        if self.host.build(self.scope.select, force=self._force, jobs=self._jobs):
            self.dismiss(None)
            self.host.clear_marks()
            self.host.open(routes.RunLog())

    def action_scope(self, step: int) -> None:
        """Choose another scope."""
        self._at = (self._at + step) % len(self._scopes)
        self._plan_again()

    def action_force(self) -> None:
        """Build even what is fresh, or not."""
        self._force = not self._force
        self._plan_again()

    def action_jobs(self, step: int) -> None:
        """Change the number of parallel slots."""
        self._jobs = max(1, (self._jobs or 4) + step)
        self._show()

    def copy(self) -> Copy:
        """The plan."""
        steps = self._plan.steps if self._plan else ()
        rows = [(s.asset, s.action.value, reasons_text(s.reasons, s.asset), s.seconds) for s in steps]
        words = routes.Build(self.scope.select).words + (("--force",) if self._force else ())
        return Copy(
            table(("asset", "action", "because", "seconds"), rows),
            as_json(self._plan),
            command(*words),
        )


def plan_rows(plan: Plan) -> list[Row]:
    """What would be done, in order, then a word on what is fresh."""
    work = [step for step in plan.steps if step.action is not Action.FRESH]
    fresh = len(plan.steps) - len(work)
    on_path = set(plan.critical_path)
    rows = [_step_row(step, step.asset in on_path) for step in work]
    if not work:
        rows.append(plain("Everything is fresh: nothing would be built.", "fresh"))
    elif fresh:
        rows.append(plain(f"{fresh} more {'is' if fresh == 1 else 'are'} fresh and left alone", "faint"))
    if plan.diagnoses:
        rows.append(heading("Can't be built"))
        rows += [plain(str(diagnosis).split("\n")[0], "failed") for diagnosis in plan.diagnoses]
    return rows


def _step_row(step: Step, critical: bool) -> Row:
    def write(width: int, styles: Styles) -> Line:
        mark = ACTION[step.action]
        name_width = max(18, min(40, width // 3))
        line = styles.line().gap().add(mark.sign(styles.ascii), styles.mark(mark)).gap()
        line.add(fit_key(step.asset, name_width), styles.text, name_width).gap()
        seconds = figures.duration(step.seconds)
        because = reasons_text(step.reasons, step.asset)
        line.add(because, styles.muted, max(0, width - line.width - 10))
        line.add(seconds, styles.muted, 7, ">")
        return line.add(styles.glyph(" ◂", " *") if critical else "  ", styles.accent)

    return Row(write, step.asset)
