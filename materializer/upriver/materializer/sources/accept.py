"""Acceptance of text sources: what they are now is the shape that is kept of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from upriver.assets.errors import UpriverError, UsageError
from upriver.assets.model import Key
from upriver.materializer.answers import Accepted
from upriver.materializer.context import Context
from upriver.materializer.ports import Shape
from upriver.materializer.sources.lock import LOCK
from upriver.materializer.sources.observe import sources_of


def accept(context: Context, keys: Sequence[Key]) -> tuple[Accepted, ...]:
    """Take the sources *keys* as they are now. Raises UsageError when one is no source, no text or can't be read."""
    project = context.project(refresh=False)
    for key in keys:
        if key not in project.sources:
            raise UsageError(f"{key} is no source that can be read: only sources have a shape to accept")
    sources = sources_of(context)
    found = []
    for key in keys:
        try:
            then, now = sources.accept(key)
        except OSError as error:
            raise UsageError(f"{LOCK} can't be written: {error.strerror or error}") from error
        except UsageError:
            raise
        except UpriverError as error:
            raise UsageError(f"{key} can't be taken as it is now: {error}") from error
        found.append(
            Accepted(key, None if then is None else then.columns, now.columns, tuple(_changes(then, now)))
        )
    return tuple(found)


def _changes(then: Shape | None, now: Shape) -> Iterator[str]:
    if then is None:
        return
    before = {column.name: column.type for column in then.columns}
    after = {column.name: column.type for column in now.columns}
    for name, type in before.items():
        if name not in after:
            yield f"{name} ({type}) is no longer there"
        elif after[name] != type:
            yield f"{name} was {type}, now {after[name]}"
    for name, type in after.items():
        if name not in before:
            yield f"{name} ({type}) is new"
    if [name for name in before if name in after] != [name for name in after if name in before]:
        yield "the columns are in another order"
    for what, was, is_ in (
        ("delimiter", then.delimiter, now.delimiter),
        ("quote", then.quote, now.quote),
        ("escape", then.escape, now.escape),
        ("comment", then.comment, now.comment),
        ("header", then.header, now.header),
        ("number of skipped lines", then.skip, now.skip),
        ("date format", then.date_format, now.date_format),
        ("timestamp format", then.timestamp_format, now.timestamp_format),
        ("encoding", then.encoding, now.encoding),
        ("way of reading", then.read, now.read),
    ):
        if was != is_:
            yield f"the {what} was {was}, now {is_}"
