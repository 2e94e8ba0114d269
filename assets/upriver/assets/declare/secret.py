"""``secret("API_KEY")``: a value known by its name only, until the recipe that needs it reveals it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from upriver.assets.declare.collector import report
from upriver.assets.errors import AssetError, Diagnosis, UsageError
from upriver.assets.model import Place
from upriver.assets.support.redaction import SHORTEST, revealed

_MOST_BYTES = 1 << 16
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Secret:
    """A secret by its name. Printing, comparing, copying and pickling it use the name only.

    The value is looked up at each :meth:`reveal`, in this order: the environment variable of that name, the
    file that the variable ``NAME_FILE`` names, the file that ``[secrets]`` in ``upriver.toml`` names for it,
    and ``.upriver/secrets/NAME``. It is never stored.
    """

    __slots__ = ("_start", "name")

    name: str
    _start: str

    def __init__(self, name: str, start: str) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "_start", start)

    def reveal(self) -> str:
        """The value, without a newline at its end. Raises AssetError, naming the places looked at."""
        value = self._value()
        revealed.add(self.name, value)
        return value

    def hide(self) -> None:
        """Hide the value, if there is one, before it is revealed.

        Another process may reveal it, and a recipe may know it from elsewhere.
        """
        with suppress(AssetError):
            value = self._value()
            if len(value) >= SHORTEST:  # a shorter one is warned of when it is revealed
                revealed.add(self.name, value)

    def _value(self) -> str:
        value = os.environ.get(self.name)
        if value is not None:
            if any("\ud800" <= character <= "\udfff" for character in value):
                raise AssetError(
                    f"the secret {self.name!r} can't be read from ${self.name}: it is not UTF-8 text"
                )
            return value
        named = os.environ.get(f"{self.name}_FILE")
        if named is not None:
            return self._read(Path(named), f"the file that ${self.name}_FILE names")
        root = self._project()
        looked = [f"${self.name}", f"${self.name}_FILE"]
        if root is not None:
            listed = _listed(root).get(self.name)
            if listed is not None:
                return self._read(root / listed, "the file that [secrets] in upriver.toml names")
            kept = root / ".upriver" / "secrets" / self.name
            if kept.is_file():
                return self._read(kept, "the file")
            looked += ["[secrets] in upriver.toml", f".upriver/secrets/{self.name}"]
        raise AssetError(f"the secret {self.name!r} is not set; looked for it in {', '.join(looked)}")

    def _read(self, path: Path, what: str) -> str:
        held = _held.get(os.path.realpath(path))
        try:
            text = held.decode("utf-8") if held is not None else path.read_text(encoding="utf-8")
            return text.rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            # Without the cause: an exception of the decoder carries the bytes of the secret.
            raise AssetError(
                f"the secret {self.name!r} can't be read from {what} ({path}): {reason}"
            ) from None

    def _project(self) -> Path | None:
        from upriver.assets.project.config import find_project

        for start in (Path(self._start), Path.cwd()):
            try:
                return find_project(start)
            except UsageError:
                continue
        return None

    def __repr__(self) -> str:
        return f"secret({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.name == self.name

    def __hash__(self) -> int:
        return hash((Secret, self.name))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a secret can't be changed: {name!r} can't be set")

    def __reduce__(self) -> tuple[type[Secret], tuple[str, str]]:
        return Secret, (self.name, self._start)


_held: dict[str, bytes] = {}
_listings: dict[Path, Mapping[str, str]] = {}


def hold_secrets(root: Path, listed: Mapping[str, str]) -> None:
    """Take the files of secrets into memory, for a process that will not be able to read them. *listed* are those of
    ``[secrets]``.
    """
    _listings[root] = listed
    folder = f"{root}/.upriver/secrets"
    places = [os.path.join(root, path) for path in listed.values()]  # noqa: PTH118 -- for each attempt
    places += [value for name, value in os.environ.items() if name.endswith("_FILE") and value]
    if os.path.isdir(folder):  # noqa: PTH112 -- as above
        places += [f"{folder}/{name}" for name in os.listdir(folder)]
    for place in places:
        with suppress(OSError, ValueError):
            path = Path(place)
            if path.is_file() and path.stat().st_size <= _MOST_BYTES:
                _held[os.path.realpath(path)] = path.read_bytes()


def _listed(root: Path) -> Mapping[str, str]:
    if root in _listings:
        return _listings[root]
    from upriver.assets.project.config import read_config

    return read_config(root)[0].secrets


DECLARED: list[Secret] = []
"""What has been declared in this process."""


def secret(name: str) -> Secret:
    """A secret of the project, by its name; its value is looked up only when a recipe calls ``.reveal()``.

    Raises DeclarationError when *name* is no name of an environment variable.
    """
    frame = sys._getframe(1)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        sentence = f"{name!r} is no name of a secret: letters, digits and underscores, no digit first"
        report([Diagnosis("bad-value", sentence, Place(frame.f_code.co_filename, frame.f_lineno))])
        name = "unnamed"
    made = Secret(name, str(Path(frame.f_code.co_filename).parent))
    DECLARED.append(made)
    return made
