"""What Upriver remembers between commands.

::

    schema     the tables, their version, how older ones are upgraded
    database   the SQLite file: opening, transactions, errors in words
    backup     the copy before an upgrade
    journal    every commit once more as text in the store, to rebuild from
    rows       values to rows and back
    sqlite     SqliteState, which implements ports.StateStore
    opening    open_state and rebuild_from_store
"""

from upriver.materializer.state.database import Damaged
from upriver.materializer.state.opening import open_state, rebuild_from_store
from upriver.materializer.state.sqlite import SqliteState

__all__ = ["Damaged", "SqliteState", "open_state", "rebuild_from_store"]
