"""Stand-ins for what is behind the ports, for tests.

Each keeps the contract of its port: one suite runs on it and on the real thing. Nothing in the product imports them.
"""

from tests.fakes.ports.clock import ManualClock
from tests.fakes.ports.connector import MemoryConnector
from tests.fakes.ports.engine import MemoryEngine
from tests.fakes.ports.executor import Told, ToldExecutor
from tests.fakes.ports.files import FaultyFiles, MemoryFiles, PowerCutError
from tests.fakes.ports.state import MemoryState
from tests.fakes.ports.store import MemoryStore

__all__ = [
    "FaultyFiles",
    "ManualClock",
    "MemoryConnector",
    "MemoryEngine",
    "MemoryFiles",
    "MemoryState",
    "MemoryStore",
    "PowerCutError",
    "Told",
    "ToldExecutor",
]
