"""Paths and patterns that a declaration names: what a recipe may read and write beside its inputs."""

from __future__ import annotations

import posixpath

from upriver.assets.project.layout import ROOM

MAGIC = frozenset("*?[")
"""Characters that make a path a pattern, as in :mod:`glob`."""

OWN_FOLDER = ".upriver"


def read_pattern(text: str) -> str:
    """A path or pattern that a recipe may read, relative to the project, in its plain form. Raises ValueError."""
    if _is_absolute(text):
        raise ValueError(
            f"{text!r} is not in the project: name paths from the project's folder, "
            "and what lies elsewhere in [build] allow_read of upriver.toml"
        )
    return _inside(text, "read")


def write_pattern(text: str) -> str:
    """A pattern of files that a recipe may write, in its plain form. Raises ValueError.

    The right to write holds for the folder around them, so that must be one of their own.
    """
    plain = posixpath.normpath(_checked(text)) if _is_absolute(text) else _inside(text, "written")
    folder = base_folder(plain)
    if folder in ("", ".", "/"):
        raise ValueError(
            f"{text!r} is in no folder of its own; name one that holds only what is written, such as 'out/*.json'"
        )
    if plain.split("/")[0] == ROOM:
        raise ValueError(
            f"{text!r} is among the project's modules; name a folder for what is written, such as 'out'"
        )
    return plain


def base_folder(pattern: str) -> str:
    """The folder in which all that *pattern* can mean lies: its parts before the first with a wildcard, without its
    last.
    """
    parts = pattern.split("/")
    literal = next((n for n, part in enumerate(parts) if not MAGIC.isdisjoint(part)), len(parts))
    return "/".join(parts[: min(literal, len(parts) - 1)]) or ("/" if pattern.startswith("/") else "")


def _inside(text: str, done: str) -> str:
    plain = posixpath.normpath(_checked(text))
    if plain == ".." or plain.startswith("../"):
        raise ValueError(f"{text!r} leads out of the project")
    if plain.startswith("~"):
        raise ValueError(f"{text!r} begins with '~', which means a home folder; rename what is called so")
    if plain == ".":
        raise ValueError(f"{text!r} is the whole project; name folders and files in it")
    if plain.split("/")[0] == OWN_FOLDER:
        raise ValueError(f"{text!r} is Upriver's own: nothing there can be {done} but through its assets")
    return plain


def _checked(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError(f"{text!r} is no path")
    return text.strip()


def _is_absolute(text: str) -> bool:
    return text.strip().startswith(("/", "~"))
