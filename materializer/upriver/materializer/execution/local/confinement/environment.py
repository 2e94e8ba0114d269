"""The environment variables of a confined process: a base, what is declared, and the rest only when asked for by name.

Native code and started programs see the base and what is declared. ``os.environ`` answers for the others too, one by
one, and tells of it; it lists none of them.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

Asked: TypeAlias = Callable[[str, str | None], None]
"""Told the name of a variable that is not among what is visible, and its value."""

BASE = re.compile(
    # Where programs and libraries are looked for, the language, the time zone, the interpreter and its libraries.
    r"PATH|LANG|LANGUAGE|LC_\w+|TZ|TZDIR|PYTHON\w+|LD_\w+|DYLD_\w+|VIRTUAL_ENV|CONDA_PREFIX"
    r"|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|\w*MALLOC_\w+|POLARS_\w+|ARROW_\w+|NPY_\w+|OPENBLAS_\w+|OMP_\w+|MKL_\w+|RAYON_\w+|RUST_\w+"
)
"""Variables that every process is given as they are: they say how it runs, not what it computes."""

SESSION = re.compile(
    r"_|PWD|OLDPWD|SHLVL|SHELL|TERM|TERM_\w+|COLORTERM|COLUMNS|LINES|DISPLAY|WAYLAND_DISPLAY|WINDOWID|TMUX\w*|STY"
    r"|SSH_\w+|XDG_SESSION_\w+|XDG_RUNTIME_DIR|XDG_VTNR|DBUS_\w+|INVOCATION_ID|JOURNAL_STREAM|MAIL|LS_COLORS|PS[1-4]"
    r"|EDITOR|VISUAL|PAGER|LESS\w*|PYTEST_CURRENT_TEST|NO_COLOR|FORCE_COLOR|CLICOLOR\w*"
)
"""Variables of a terminal or a session: no process is given them unless it declares to read them."""


def scratch_variables(scratch: str) -> dict[str, str]:
    """The variables that lead libraries to *scratch* with what they write for themselves."""
    names = ("HOME", "TMPDIR", "POLARS_TEMP_DIR", "POLARS_OOC_SPILL_DIR", "JOBLIB_TEMP_FOLDER")
    folders = {
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "share",
        "MPLCONFIGDIR": "matplotlib",
    }
    return dict.fromkeys(names, scratch) | {name: f"{scratch}/{one}" for name, one in folders.items()}


def narrow(scratch: str, declared: Iterable[str], asked: Asked) -> None:
    """Leave this process the base, what *declared* (names and patterns) fits, and variables for *scratch*.

    From then on ``os.environ`` tells *asked* of what is read besides. What is set later is the process's own.
    """
    real = os.environ
    before = dict(real)
    patterns = tuple(declared)
    own = {
        **scratch_variables(scratch),
        **{name: value for name, value in before.items() if _fits(name, patterns)},
    }
    kept = {name: value for name, value in before.items() if BASE.fullmatch(name)} | own
    rest = {name: value for name, value in before.items() if name not in kept and not SESSION.fullmatch(name)}
    for name in before.keys() - kept.keys():
        del real[name]
    real.update(kept)
    time.tzset()
    _forget_initial(kept)
    os.environ = Watched(real, rest, patterns, own, asked)  # noqa: B003 -- it shares its content with the real one
    if hasattr(os, "environb"):
        os.environb = Watched(os.environb, rest, patterns, own, asked)


def watch(asked: Asked) -> None:
    """Tell *asked* of each variable that is read, and leave the environment as it is."""
    real = os.environ
    os.environ = Watched(real, {}, (), {}, asked)  # noqa: B003 -- as above
    if hasattr(os, "environb"):
        os.environb = Watched(os.environb, {}, (), {}, asked)


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _forget_initial(kept: Mapping[str, str]) -> None:
    """The interpreter remembers what it was started with, as ``posix.environ``."""
    initial: dict[Any, Any] | None = getattr(sys.modules.get(os.name), "environ", None)
    if initial is not None:
        initial.clear()
        initial.update({os.fsencode(name): os.fsencode(value) for name, value in kept.items()})


class Watched(os._Environ[Any]):
    """A mapping in the place of ``os.environ`` (or of ``os.environb``), over the same variables.

    *rest* are those that are answered and not there. What *declared* fits and what is *given* is not told.
    """

    def __init__(
        self,
        real: os._Environ[Any],
        rest: dict[str, str],
        declared: tuple[str, ...],
        given: Mapping[str, str],
        asked: Asked,
    ) -> None:
        data: Any = vars(real)["_data"]
        super().__init__(data, real.encodekey, real.decodekey, real.encodevalue, real.decodevalue)
        self._rest = rest
        self._declared = declared
        self._own = set(given)
        self._asked = asked

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str | bytes):
            return super().__getitem__(key)
        name = os.fsdecode(key)
        if name in self._own or _fits(name, self._declared):
            return super().__getitem__(key)
        if SESSION.fullmatch(name):
            return super().__getitem__(key)
        if name in self._rest:
            value = self._rest[name]
            self._asked(name, value)
            return value if isinstance(key, str) else os.fsencode(value)
        try:
            found = super().__getitem__(key)
        except KeyError:
            self._asked(name, None)
            raise
        self._asked(name, os.fsdecode(found))
        return found

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._own.add(os.fsdecode(key))

    def __delitem__(self, key: Any) -> None:
        rested = self._rest.pop(os.fsdecode(key), None) if isinstance(key, str | bytes) else None
        if rested is None:
            super().__delitem__(key)
