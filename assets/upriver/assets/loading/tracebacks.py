"""Diagnosis of what a module raised: the user's own traceback, without our frames and the importing."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from upriver.assets.errors import Diagnosis, caret_excerpt, did_you_mean
from upriver.assets.loading.imports import PROTECTED, ProjectImports
from upriver.assets.model import Place

_OURS = str(Path(__file__).absolute().parent) + os.sep
_IMPORTING = ("<frozen importlib", str(Path(os.__file__).absolute().parent / "importlib") + os.sep)
_MOST_FRAMES = 20
_MOST_TEXT = 2_000


def raised(imports: ProjectImports, module: str, error: BaseException) -> Diagnosis:
    """The diagnosis for *error*, which the module at path *module* raised while it was loaded."""
    if isinstance(error, SyntaxError) and imports.contains(error.filename or imports.root):
        diagnosis = _syntax(imports.root, error.filename or f"{imports.root}/{module}", error)
    elif isinstance(error, SystemExit):
        diagnosis = _exit(imports, module, error)
    else:
        diagnosis = _raised(imports, module, error)
    if diagnosis.place is not None and diagnosis.place.path == module:
        return diagnosis
    return _with_facts(diagnosis, (f"it is loaded by {module}",))


def merged(diagnoses: list[Diagnosis]) -> list[Diagnosis]:
    """*diagnoses* with what several modules met in the same place told once, with the facts of all, and with the
    key of the one that knows it.
    """
    found: dict[tuple[str, str, str], Diagnosis] = {}
    for diagnosis in diagnoses:
        known = found.get(which := identity(diagnosis))
        found[which] = diagnosis if known is None else _with_facts(known, diagnosis.facts, diagnosis.key)
    return list(found.values())


def identity(diagnosis: Diagnosis) -> tuple[str, str, str]:
    """Equal for diagnoses of one and the same thing, wherever it was met."""
    return (diagnosis.code, str(diagnosis.place), diagnosis.message)


def _with_facts(diagnosis: Diagnosis, facts: tuple[str, ...], key: str | None = None) -> Diagnosis:
    return Diagnosis(
        diagnosis.code,
        diagnosis.message,
        diagnosis.place,
        tuple(dict.fromkeys((*diagnosis.facts, *facts))),
        diagnosis.hint,
        diagnosis.excerpt,
        diagnosis.key or key,
    )


def _syntax(root: str, file: str, error: SyntaxError) -> Diagnosis:
    line, column = error.lineno or 1, error.offset
    place = Place(os.path.relpath(file, root), line, column if column and column > 0 else None)
    excerpt = None
    if error.text and place.column:
        end = error.end_offset if error.end_lineno == error.lineno else None
        text = error.text.split("\n")[0]
        width = min((end or 0) - place.column, len(text) - place.column + 1)
        excerpt = caret_excerpt(text, 1, place.column, width, shown_line=line)
    return Diagnosis("syntax", f"this is not valid Python: {error.msg}", place, excerpt=excerpt)


def _exit(imports: ProjectImports, module: str, error: SystemExit) -> Diagnosis:
    return Diagnosis(
        "module-exits",
        f"the module ends the program (SystemExit: {error.code}) while it is loaded",
        _place(imports, module, error),
        hint='put what is for running it as a script under `if __name__ == "__main__":`',
    )


def _raised(imports: ProjectImports, module: str, error: BaseException) -> Diagnosis:
    shown = traceback.TracebackException.from_exception(error)
    sentence = (
        _clipped("".join(shown.format_exception_only())).strip().split("\n")[-1 if _is_group(error) else 0]
    )
    _trim(shown, imports.contains, imports.root)
    text = _clipped("".join(shown.format()))
    return Diagnosis(
        "module-raises",
        f"the module raises {_without_root(sentence, imports.root)}",
        _place(imports, module, error),
        facts=_shadow(imports, error),
        hint=_hint(imports, error),
        excerpt=_without_root(text, imports.root),
    )


def _is_group(error: BaseException) -> bool:
    return isinstance(error, BaseExceptionGroup)


def _without_root(text: str, root: str) -> str:
    return text.replace(root + os.sep, "")


def _clipped(text: str) -> str:
    if len(text) <= 2 * _MOST_TEXT:
        return text
    return f"{text[:_MOST_TEXT]}\n… ({len(text) - 2 * _MOST_TEXT} characters left out)\n{text[-_MOST_TEXT:]}"


def _place(imports: ProjectImports, module: str, error: BaseException) -> Place:
    """The innermost line of project code that the error went through."""
    place = Place(module)
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if imports.contains(file):
            place = Place(os.path.relpath(file, imports.root), line)
    return place


def _trim(shown: traceback.TracebackException, is_project: Callable[[str], bool], root: str) -> None:
    """Leave the frames from the first one of the project on, without those of importing and ours."""
    frames = list(shown.stack)
    first = next((index for index, frame in enumerate(frames) if is_project(frame.filename)), len(frames))
    kept = [frame for frame in frames[first:] if not frame.filename.startswith((_OURS, *_IMPORTING))]
    for frame in kept:
        _ = frame.line  # looked up by file name, before the name is shortened
        frame.filename = _without_root(frame.filename, root)
    shown.stack[:] = kept[-_MOST_FRAMES:]
    for linked in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if linked is not None:
            _trim(linked, is_project, root)


def _shadow(imports: ProjectImports, error: BaseException) -> tuple[str, ...]:
    """For a name that was looked for in a module which a project file can't hide: say that it can't."""
    name = getattr(error, "name", None)
    if isinstance(error, AttributeError):
        name = getattr(error.obj, "__name__", None)
    top = str(name).partition(".")[0]
    if not isinstance(error, (ImportError, AttributeError)) or top not in imports.names & PROTECTED:
        return ()
    return (f"`import {top}` always means the installed module, not the project's own {top!r}; rename that",)


def _hint(imports: ProjectImports, error: BaseException) -> str | None:
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    top = error.name.partition(".")[0]
    near = did_you_mean(top, imports.names)
    return near or (
        None if top in imports.names else f"install it for the Python that runs Upriver: {sys.executable}"
    )
