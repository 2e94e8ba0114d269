"""The policy of one attempt: which paths a process may read, list, run and write. Pure values.

A kernel's right holds for a folder and everything below it. So a folder that contains the project is never granted
itself: its other entries are, one by one (:func:`beside`), or only the code in it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Flag, auto
from typing import TypeAlias

from upriver.assets.model import Value

Names: TypeAlias = Callable[[str], Sequence[str]]
"""The names in a folder; none for what is no folder."""

Code: TypeAlias = Callable[[str], Iterable[str]]
"""The Python files and extension modules that can be imported from a folder."""


class Access(Flag):
    """What may be done to a path, and to everything below it."""

    READ = auto()
    """Read the bytes of files."""
    LIST = auto()
    """Read the names in folders."""
    RUN = auto()
    """Execute files."""
    WRITE = auto()
    """Change the bytes of files."""
    MAKE = auto()
    """Make, rename and remove entries of folders."""
    CONTROL = auto()
    """Control a device (ioctl)."""


LIBRARY = Access.READ | Access.LIST | Access.RUN
OWN = LIBRARY | Access.WRITE | Access.MAKE
_NOTHING = Access(0)
_DEVICE = Access.READ | Access.WRITE | Access.CONTROL

SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/nix/store",
    "/gnu/store",
    "/var/lib/ca-certificates",
    "/var/cache/fontconfig",
)
"""Programs and libraries of the system, its time zones, certificates, fonts and configuration."""

KERNEL = (
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/uptime",
    "/proc/version",
    "/proc/sys",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
)
"""What the kernel says of the machine: processors, memory, limits."""

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
PROCESSES = "/proc"
SHARED_MEMORY = "/dev/shm"  # noqa: S108 -- the kernel's name for it
RESOLVER = ("/etc/resolv.conf", "/etc/hosts", "/run/systemd/resolve", "/run/resolvconf", "/run/nscd")
_LIBRARY_FOLDERS = ("site-packages", "dist-packages")


class Rule(Value, frozen=True):
    """One right. *path* is absolute and resolved; a rule for what is not there does nothing."""

    path: str
    access: Access


class Interpreter(Value, frozen=True):
    """Where this Python has its programs and libraries, as resolved paths.

    *prefixes* are whole installations and virtual environments, *libraries* the folders of them that hold
    libraries, *path* the entries of ``sys.path`` and what editable installs point at, *programs* those of ``$PATH``,
    *system* the folders of the system.
    """

    prefixes: tuple[str, ...]
    system: tuple[str, ...] = SYSTEM
    libraries: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


class Grants(Value, frozen=True):
    """What one attempt is given besides the interpreter, as resolved paths.

    *code* are the project's Python files, *inputs* the files of its upstreams, *files* and *folders* what it was
    granted to read and to list, *outside* what the whole project was allowed to read elsewhere, *scratch* its own
    folder, *writes* the folders that it may write into and *written* single files.
    """

    scratch: str
    code: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    network: bool = False
    processes: bool = False


class Policy(Value, frozen=True):
    """All rules of one attempt, and whether it may use the network."""

    rules: tuple[Rule, ...]
    network: bool = False

    def index(self) -> Index:
        """The rules, to be asked."""
        return Index(self.rules)


class Index:
    """Answers what a policy permits, as the kernel does: a path has the rights of all folders that it is in."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._granted: dict[str, Access] = {}
        for rule in rules:
            self.grant(rule)

    def grant(self, rule: Rule) -> None:
        """Add *rule*."""
        self._granted[rule.path] = self._granted.get(rule.path, _NOTHING) | rule.access

    def permits(self, path: str, access: Access) -> bool:
        """Whether *access* to *path* (absolute, resolved) is granted."""
        missing = access
        while True:
            missing &= ~self._granted.get(path, _NOTHING)
            if not missing:
                return True
            parent = posixpath.dirname(path)
            if parent == path:
                return False
            path = parent


def interpreter_rules(root: str, interpreter: Interpreter, names: Names, code: Code) -> tuple[Rule, ...]:
    """What every attempt of the project at *root* may read: the system, Python and its libraries."""
    rules: list[Rule] = []
    for entry in (*interpreter.system, *interpreter.programs):
        rules += _library(entry, root, names)
    for prefix in interpreter.prefixes:
        if not contains(prefix, root):
            rules.append(Rule(prefix, LIBRARY))
    for folder in interpreter.libraries:
        rules += _library(folder, root, names)
    for entry in interpreter.path:
        if _is_library(entry, interpreter):
            rules += _library(entry, root, names)
        elif contains(entry, root):
            rules += [Rule(file, Access.READ) for file in code(entry) if not contains(root, file)]
        elif not contains(root, entry):
            rules.append(Rule(entry, LIBRARY))
        # What lies in the project is its own code, which every attempt is given by name.
    rules += [Rule(path, Access.READ | Access.LIST) for path in KERNEL]
    rules += [Rule(path, _DEVICE) for path in DEVICES]
    return pruned(rules)


def pruned(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """*rules* without those that a rule for a folder around them makes needless."""
    kept: dict[str, Access] = {}
    index = Index(())
    for rule in sorted(rules, key=lambda one: one.path):  # folders come before what is in them
        if not index.permits(rule.path, rule.access):
            kept[rule.path] = kept.get(rule.path, _NOTHING) | rule.access
            index.grant(rule)
    return tuple(Rule(path, access) for path, access in kept.items())


def policy(base: Iterable[Rule], grants: Grants, process: str) -> Policy:
    """The policy of one attempt, *base* being that of the interpreter and *process* its own folder in ``/proc``."""
    rules = [*base, Rule(process, Access.READ | Access.LIST | Access.WRITE), Rule(grants.scratch, OWN)]
    rules += [Rule(path, Access.READ | Access.RUN) for path in grants.code]
    rules += [Rule(path, Access.READ) for path in grants.inputs]
    rules += [Rule(path, Access.READ | Access.RUN) for path in grants.files]
    rules += [Rule(path, Access.LIST) for path in grants.folders]
    rules += [Rule(path, _DEVICE if contains("/dev", path) else LIBRARY) for path in grants.outside]
    rules += [Rule(path, Access.WRITE | Access.MAKE) for path in grants.writes]
    if grants.processes:
        # Of a process that it starts, its own entry as well: its number is not known yet. What they
        # hold (environ, mem, fd, cwd) the kernel gives to no confined process that has not started them.
        rules += [Rule(SHARED_MEMORY, OWN), Rule(PROCESSES, Access.READ | Access.LIST)]
    if grants.network:
        rules += [Rule(path, Access.READ) for path in RESOLVER]
    return Policy(tuple(rules), grants.network)


def contains(folder: str, path: str) -> bool:
    """Whether *path* is *folder* or lies in it."""
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def beside(folder: str, inner: str, names: Names) -> Iterator[str]:
    """Every entry of *folder* that is not on the way to *inner*, which lies in it, level by level."""
    while folder != inner:
        step = posixpath.relpath(inner, folder).split("/")[0]
        yield from (posixpath.join(folder, name) for name in names(folder) if name != step)
        folder = posixpath.join(folder, step)


def _library(entry: str, root: str, names: Names) -> list[Rule]:
    if not contains(entry, root):
        return [Rule(entry, LIBRARY)]
    return [Rule(path, LIBRARY) for path in beside(entry, root, names)]


def _is_library(entry: str, interpreter: Interpreter) -> bool:
    return posixpath.basename(entry) in _LIBRARY_FOLDERS or any(
        contains(folder, entry) for folder in interpreter.libraries
    )
