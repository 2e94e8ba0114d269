"""State: all that is remembered between commands, but for artifacts.

::

    schema      the tables and their version
    migrations  numbered steps from older versions to this one
    database    the SQLite file: opening, transactions, errors in words
    backup      the copy before an upgrade
    journal     every commit once more as text, to rebuild from
    rows        values to rows and back
    builders    processes that may write, and the nodes that each makes
    runs        how runs ended, what failed, how long things take
    facts       what is safe to lose
    sqlite      SqliteState, which implements ports.StateStore
    opening     open_state and rebuild_from_store
"""

from upriver.materializer.ports import Damaged
from upriver.materializer.state.opening import open_state, rebuild_from_store
from upriver.materializer.state.sqlite import SqliteState

__all__ = ["Damaged", "SqliteState", "open_state", "rebuild_from_store"]
