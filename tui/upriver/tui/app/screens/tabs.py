"""Which screen stands under which tab. They are loaded when they are first shown."""

from __future__ import annotations

from textual.screen import Screen

from upriver.assets.model import Key


def tab_screen(number: int, key: Key | None, column: str | None) -> Screen[None]:
    """The screen of tab *number*: 2 Graph and 3 Columns are about *key*, 4 Runs, 5 Changes and 6 Cost about all."""
    match number:
        case 2:
            from upriver.tui.app.screens.graph import GraphScreen

            assert key is not None
            return GraphScreen(key)
        case 3:
            from upriver.tui.app.screens.columns import ColumnsScreen

            assert key is not None
            return ColumnsScreen(key, column)
        case 4:
            from upriver.tui.app.screens.runs import RunsScreen

            return RunsScreen()
        case 6:
            from upriver.tui.app.screens.cost import CostScreen

            return CostScreen()
        case _:
            from upriver.tui.app.screens.changes import ChangesScreen

            return ChangesScreen()
