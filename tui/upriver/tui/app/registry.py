"""Registry of screens: makes the screen of a route. The only module that knows the screens by name.

Screens are imported when they are first shown: the list is there before any of them is needed.
"""

from __future__ import annotations

from typing import Any, assert_never

from textual.screen import Screen

from upriver.tui.app import routes
from upriver.tui.app.routes import Route


def screen_of(route: Route, below: Screen[Any]) -> Screen[Any]:
    """The screen of *route*, to be shown over *below*."""
    match route:
        case routes.Graph(key):
            from upriver.tui.app.screens.graph import GraphScreen

            return GraphScreen(key)
        case routes.Columns(key, column):
            from upriver.tui.app.screens.columns import ColumnsScreen

            return ColumnsScreen(key, column)
        case routes.Runs():
            from upriver.tui.app.screens.runs import RunsScreen

            return RunsScreen()
        case routes.Checks():
            from upriver.tui.app.screens.checks import ChecksScreen

            return ChecksScreen()
        case routes.Changes():
            from upriver.tui.app.screens.changes import ChangesScreen

            return ChangesScreen()
        case routes.Cost():
            from upriver.tui.app.screens.cost import CostScreen

            return CostScreen()
        case routes.Goals():
            from upriver.tui.app.screens.goals import GoalsScreen

            return GoalsScreen()
        case routes.Incidents():
            from upriver.tui.app.screens.incidents import IncidentsScreen

            return IncidentsScreen()
        case routes.Why(key):
            from upriver.tui.app.screens.why import WhyScreen

            return WhyScreen(key)
        case routes.Preview(key, before, side):
            from upriver.tui.app.screens.preview import PreviewScreen

            return PreviewScreen(key, before=before, side=side)
        case routes.Code(key):
            from upriver.tui.app.screens.code import CodeScreen

            return CodeScreen(key)
        case routes.Log(key):
            from upriver.tui.app.screens.log import LogScreen

            return LogScreen(key)
        case routes.RunLog(run):
            from upriver.tui.app.screens.run import RunScreen

            return RunScreen(run)
        case routes.History(key):
            from upriver.tui.app.screens.history import HistoryScreen

            return HistoryScreen(key)
        case _:
            return _dialog_of(route, below)


def _dialog_of(
    route: routes.Build
    | routes.Rename
    | routes.RenameColumn
    | routes.Drop
    | routes.ApplyFix
    | routes.StopRun
    | routes.SavedViews
    | routes.Jump
    | routes.Leave
    | routes.Help,
    below: Screen[Any],
) -> Screen[Any]:
    match route:
        case routes.Build(keys):
            from upriver.tui.app.screens.build import BuildDialog

            return BuildDialog(keys)
        case routes.Rename(key):
            from upriver.tui.app.screens.rename import RenameScreen

            return RenameScreen(key)
        case routes.RenameColumn(key, column):
            from upriver.tui.app.screens.rename_column import RenameColumnScreen

            return RenameColumnScreen(key, column)
        case routes.Drop(key, column):
            from upriver.tui.app.screens.drop import DropScreen

            return DropScreen(key, column)
        case routes.ApplyFix(found):
            from upriver.tui.app.screens.fix import FixScreen

            return FixScreen(found)
        case routes.StopRun(run):
            from upriver.tui.app.screens.stop import StopScreen

            return StopScreen(run)
        case routes.SavedViews(current):
            from upriver.tui.app.screens.saved_views import SavedViewsScreen

            return SavedViewsScreen(current)
        case routes.Jump():
            from upriver.tui.app.screens.jump import JumpScreen
            from upriver.tui.app.widgets.assets import AssetList

            return JumpScreen(below.query_one(AssetList))
        case routes.Leave():
            from upriver.tui.app.screens.leave import LeaveScreen

            return LeaveScreen()
        case routes.Help():
            from upriver.tui.app.screens.help import HelpScreen

            return HelpScreen(below)
        case _:
            assert_never(route)
