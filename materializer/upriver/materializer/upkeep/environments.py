"""Environments of a project: the default one, those that are declared, and those that were built in."""

from __future__ import annotations

from collections import Counter

from upriver.assets.errors import UsageError, did_you_mean
from upriver.materializer.answers import EnvironmentEntry
from upriver.materializer.context import Context

DEFAULT = "dev"
"""The environment of every command that names none."""


def require(context: Context) -> None:
    """Raise UsageError when the environment of *context* is none that is known."""
    name = context.environment
    if name == DEFAULT:
        return
    known = [DEFAULT, *_declared(context), *_built(context)]
    if name not in known:
        hint = did_you_mean(name, known)
        raise UsageError(
            f"there is no environment {name!r}"
            + (f"; {hint}" if hint else "")
            + f"\n  known: {', '.join(dict.fromkeys(known))}\n  hint: `--create` makes a new one"
        )


def entries(context: Context) -> tuple[EnvironmentEntry, ...]:
    """Every environment that is known, the default one first."""
    declared, built = _declared(context), _built(context)
    others = sorted({*declared, *built} - {DEFAULT})
    pointers: Counter[str] = Counter()
    running: dict[str, list[str]] = {}
    if _begun(context):
        pointers.update(environment for environment, _ in context.state.pointers())
        for holder in context.state.holders():
            if not holder.whole:
                running.setdefault(holder.environment, []).append(holder.run)
    return tuple(
        EnvironmentEntry(
            name, name == DEFAULT, name in declared, pointers[name], tuple(running.get(name, ()))
        )
        for name in (DEFAULT, *others)
    )


def remove(context: Context, name: str) -> int:
    """Forget what the environment *name* points at; how many nodes that were. Artifacts stay for ``gc``.

    Raises UsageError for the default one and for one that is not known, BusyError while a build runs in it.
    """
    if name == DEFAULT:
        raise UsageError(f"{DEFAULT} is the default environment: it can't be removed")
    known = [entry.name for entry in entries(context)]
    if name not in known:
        hint = did_you_mean(name, known)
        raise UsageError(f"there is no environment {name!r}" + (f"; {hint}" if hint else ""))
    return context.state.remove_environment(name) if _begun(context) else 0


def _declared(context: Context) -> tuple[str, ...]:
    return tuple(context.project(refresh=False).config.environments)


def _built(context: Context) -> tuple[str, ...]:
    return tuple(context.state.environments()) if _begun(context) else ()


def _begun(context: Context) -> bool:
    """Whether there is a state: one that is only asked for is not made."""
    return (context.folder / "state.db").exists()
