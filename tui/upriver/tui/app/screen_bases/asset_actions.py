"""Actions on an asset, with the same keys on every screen that shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from upriver.assets.model import Key
from upriver.materializer.answers import AssetStatus
from upriver.materializer.model import State
from upriver.tui.app import routes
from upriver.tui.app.screen_bases.screen import ProjectScreen
from upriver.tui.present.views.places import failing_place

if TYPE_CHECKING:
    from upriver.lineage.refactoring.fix import Fix

ASSET_BINDINGS: list[BindingType] = [
    Binding("m", "build", "build", tooltip="Build it, after a look at the plan"),
    Binding(
        "M", "build_all", "all stale", tooltip="Build everything that is stale, after a look at the plan"
    ),
    Binding("w", "why", "why", tooltip="The chain of causes behind its state"),
    Binding("c", "columns", "columns", tooltip="Where each column comes from and what reads it"),
    Binding("g", "graph", "graph", tooltip="The graph around it"),
    Binding("p", "preview", "preview", tooltip="Its rows: sorted, filtered, profiled"),
    Binding("x", "diff", "diff", tooltip="What changed in its code, and its code"),
    Binding("l", "log", "log", tooltip="What it printed in its last run"),
    Binding("e", "edit", "edit", tooltip="Open it in $EDITOR, at the failing or changed line"),
    Binding("F", "fix", "fix", show=False, tooltip="Put a misspelled name right, after a look at the line"),
    Binding("r", "retry", "retry", tooltip="Build again what failed or was blocked"),
    Binding("H", "history", "history", show=False, tooltip="Its earlier materializations"),
    Binding(
        "R", "rename", "rename", show=False, tooltip="Another key, after a look at every line that names it"
    ),
]


class AssetActions(ProjectScreen):
    """Mixin with the actions of a screen that has a :attr:`subject`."""

    NEEDS_ASSET: ClassVar[frozenset[str]] = frozenset(
        {"why", "columns", "graph", "preview", "diff", "log", "edit", "history", "rename", "fix"}
    )

    @property
    def subject(self) -> Key | None:
        """The asset that actions are about."""
        return None

    @property
    def marked(self) -> tuple[Key, ...]:
        """Assets marked for building together."""
        return ()

    @property
    def subject_status(self) -> AssetStatus | None:
        """Its status."""
        key = self.subject
        return None if key is None else self.model.statuses.get(key)

    def why_not(self, action: str) -> str | None:
        """Why *action* can't be done now."""
        action = action.partition("(")[0]
        model, status = self.model, self.subject_status
        if action in ("build", "build_all", "retry"):
            if model.refused:
                return "nothing can be built while the project as a whole can't be used"
            if model.live:
                return "a build is going on; 4 shows it"
        if action in self.NEEDS_ASSET and status is None:
            return "there is no asset under the cursor"
        if status is None:
            return "there is no asset under the cursor" if action == "build" and not self.marked else None
        if action == "build" and status.state is State.BROKEN and not self.marked:
            return f"{status.asset} is broken: e opens the place, w says what is wrong"
        if action == "build" and status.engine == "source" and not self.marked:
            return f"{status.asset} is a source: it is read, not built"
        if action == "preview" and status.kind == "file":
            return f"{status.asset} is a file, not a table"
        if action == "preview" and status.rows is None and status.state is State.MISSING:
            return f"{status.asset} was never built: there is nothing to show"
        if action == "fix" and (status.engine == "source" or status.state is State.FRESH):
            return f"nothing is known to be wrong with {status.asset}"
        if action in ("diff", "log", "history") and status.engine == "source":
            return f"{status.asset} is a source: it has no code and no runs"
        if action == "rename" and (model.refused or model.live):
            return "nothing can be renamed " + (
                "during a build; 4 shows it" if model.live else "while the project as a whole can't be used"
            )
        if action == "edit" and status.place is None:
            return f"{status.asset} has no place in a file"
        return None

    def action_build(self) -> None:
        """Plan, then build the asset or the marked ones."""
        if self.refuse("build"):
            return
        keys = self.marked or ((self.subject,) if self.subject else ())
        self.host.open(routes.Build(tuple(keys)))

    def action_build_all(self) -> None:
        """Plan, then build everything that is stale."""
        if self.refuse("build_all"):
            return
        self.host.open(routes.Build())

    def action_retry(self) -> None:
        """Build again, at once, what failed or was blocked."""
        if self.refuse("retry"):
            return
        bad = (State.FAILED, State.BLOCKED)
        keys = tuple(key for key, status in self.model.statuses.items() if status.state in bad)
        if not keys:
            self.host.say("nothing failed or is blocked")
            return
        self.host.build(tuple(f"state:{state}" for state in bad if self.model.counts[state]))
        self.host.say(f"building {len(keys)} failed and blocked again")

    def action_why(self) -> None:
        """Explain the state."""
        if self.refuse("why"):
            return
        assert self.subject is not None
        self.host.open(routes.Why(self.subject))

    def action_columns(self) -> None:
        """Explore column lineage."""
        if not self.refuse("columns"):
            self.host.go(3, self.subject)

    def action_graph(self) -> None:
        """Show the graph."""
        if not self.refuse("graph"):
            self.host.go(2, self.subject)

    def action_preview(self) -> None:
        """Show rows."""
        if self.refuse("preview"):
            return
        assert self.subject is not None
        self.host.open(routes.Preview(self.subject))

    def action_diff(self) -> None:
        """Show the code and what changed in it."""
        if self.refuse("diff"):
            return
        assert self.subject is not None
        self.host.open(routes.Code(self.subject))

    def action_log(self) -> None:
        """Show the output of the last run of it."""
        if self.refuse("log"):
            return
        assert self.subject is not None
        self.host.open(routes.Log(self.subject))

    def action_history(self) -> None:
        """Show earlier materializations."""
        if self.refuse("history"):
            return
        assert self.subject is not None
        self.host.open(routes.History(self.subject))

    def action_rename(self) -> None:
        """Give it another key."""
        if self.refuse("rename"):
            return
        assert self.subject is not None
        self.host.open(routes.Rename(self.subject))

    def action_fix(self) -> None:
        """Look whether it is certain what is meant; show the line, then write it."""
        if not self.refuse("fix") and self.subject is not None:
            self.ask_for_fix(self.subject)

    def ask_for_fix(self, key: Key) -> None:
        """Have the fix of *key* looked for."""
        session = self.host.session
        self.ask(lambda: session.fix(key), self._show_fix)

    def _show_fix(self, found: Fix) -> None:
        """Show what would be written."""
        self.host.open(routes.ApplyFix(found))

    def action_edit(self) -> None:
        """Open the file, at the failing line if there is one."""
        status = self.subject_status
        if self.refuse("edit") or status is None or status.place is None:
            return
        self.host.edit(failing_place(status) or status.place)
