"""Environment variables that a recipe reads without declaring it."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from upriver.materializer.execution.local.callers import Callers
from upriver.materializer.execution.local.confinement.environment import BASE
from upriver.materializer.freshness.decide import VARIABLE
from upriver.materializer.freshness.external_inputs import variable_digest

_OF_LIBRARIES = frozenset({"PYARROW_IGNORE_TIMEZONE"})
"""Variables that compiled libraries look at for themselves: they are not on the stack, and what called them is."""


class Variables:
    """What was read, as *values* of a trace, and a sentence for each that project code itself has read. *declared* are
    names and patterns. In a *confined* process what libraries ask for counts as well.
    """

    def __init__(self, callers: Callers, declared: Iterable[str], *, confined: bool) -> None:
        self._callers = callers
        self._declared = tuple(declared)
        self._confined = confined
        self.values: dict[str, str] = {}
        self.warnings: dict[str, str] = {}

    def read(self, name: str, value: str | None) -> None:
        """*name* is read, and has *value*."""
        if name in _OF_LIBRARIES or f"{VARIABLE}{name}" in self.values:
            return
        if any(fnmatchcase(name, one) for one in self._declared) or self._callers.of_secrets():
            return
        directly = self._callers.directly()
        # Of what every process is given, libraries look at much, and mean nothing by it. In a confined process they
        # may be told of others for the project.
        if not directly and (not self._confined or BASE.fullmatch(name)):
            return
        self.values[f"{VARIABLE}{name}"] = variable_digest(value)
        if directly:
            self.warnings[name] = (
                f"{self._callers.any_line()} reads the environment variable {name} without declaring it: when its "
                f"value changes, this asset is built again. Write environment=[{name!r}] to say so"
            )
