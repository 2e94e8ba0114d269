"""Stand-ins for what is behind the ports, for tests.

They ship with the package because they stand beside the ports that they implement, and because tests of
projects that embed Upriver need them too. Nothing in the product imports them.
"""

from tests.fakes.ports.clock import ManualClock
from tests.fakes.ports.files import FaultyFiles, MemoryFiles, PowerCutError
from tests.fakes.ports.state import MemoryState
from tests.fakes.ports.store import MemoryStore

__all__ = ["FaultyFiles", "ManualClock", "MemoryFiles", "MemoryState", "MemoryStore", "PowerCutError"]
