"""The contract of connectors, as checks that any of them can be held against, also one of a third party.

``check_connector`` raises AssertionError with a sentence for what is broken. See ``docs/connectors.md``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from upriver.assets.errors import UpriverError
from upriver.materializer.ports.system import Address, Fetched, Rows, Sighting, System, Wanted

Change = Callable[[], object]
"""Makes another content of what is wanted."""


def check_connector(
    connect: Callable[[Address], System],
    address: Address,
    wanted: Wanted,
    absent: Wanted,
    changes: Sequence[Change],
    *,
    snapshots: bool = True,
) -> None:
    """Hold a connector against the contract: *wanted* is there, with rows, *absent* is not, *changes* are made in turn.

    With *snapshots*, what is read in a moment is what was sighted in it, whatever is written meanwhile; without, such
    a write has to be an error.
    """
    _check_answers(connect, address)
    _check_absence(connect, address, absent)
    _check_rest(connect, address, wanted)
    for number, change in enumerate(changes, 1):
        before = _sighted(connect, address, wanted)
        change()
        after = _sighted(connect, address, wanted)
        assert after.version != before.version, (
            f"change {number} was not seen: the version is still {after.version}"
        )
        again = _sighted(connect, address, wanted, before)
        assert again.version == after.version, "what was seen before decided what is seen now"
    if changes:
        _check_moment(connect, address, wanted, changes[-1], snapshots)


def _check_answers(connect: Callable[[Address], System], address: Address) -> None:
    system = connect(address)
    try:
        answer = system.answer()
        assert answer, "it does not say who answers"
        assert "\n" not in answer, "its answer is more than one line"
        for name, value in address.settings.items():
            assert value not in answer or len(value) < 4, f"its answer shows the setting {name}"
        system.close()
    finally:
        system.close()  # safe to call twice


def _check_absence(connect: Callable[[Address], System], address: Address, absent: Wanted) -> None:
    system = connect(address)
    try:
        with system.moment() as moment:
            found = moment.sight(absent, None)
        assert found is None, f"{absent} is not there, and was seen as {found}"
    finally:
        system.close()


def _check_rest(connect: Callable[[Address], System], address: Address, wanted: Wanted) -> None:
    """What does not change has one version, and the same rows."""
    first, second = _sighted(connect, address, wanted), _sighted(connect, address, wanted)
    assert first.version, "the version is empty"
    assert first.detail, "it does not say how the version is known"
    assert first.version == second.version, (
        f"nothing has changed, and {first.version} is now {second.version}"
    )
    assert _rows(connect, address, wanted) == _rows(connect, address, wanted), (
        "the same version has other rows"
    )


def _check_moment(
    connect: Callable[[Address], System], address: Address, wanted: Wanted, change: Change, snapshots: bool
) -> None:
    system = connect(address)
    try:
        with system.moment() as moment:
            sighted = moment.sight(wanted, None)
            assert sighted is not None, f"{wanted} is gone"
            before = _rows(connect, address, wanted)
            change()
            try:
                with tempfile.TemporaryDirectory() as scratch, moment.read(wanted, Path(scratch)) as found:
                    read = _content(found)
            except UpriverError:
                assert not snapshots, "it holds moments, and could not read one after a change"
                return
            assert read == before, "what was read is not what was sighted: something was written in between"
    finally:
        system.close()


def _sighted(
    connect: Callable[[Address], System], address: Address, wanted: Wanted, before: Sighting | None = None
) -> Sighting:
    system = connect(address)
    try:
        with system.moment() as moment:
            found = moment.sight(wanted, before)
    finally:
        system.close()
    assert found is not None, f"{wanted} is there, and was not seen"
    return found


def _rows(connect: Callable[[Address], System], address: Address, wanted: Wanted) -> list[Any]:
    system = connect(address)
    try:
        with tempfile.TemporaryDirectory() as scratch, system.moment() as moment:
            assert moment.sight(wanted, None) is not None, f"{wanted} is there, and was not seen"
            with moment.read(wanted, Path(scratch)) as found:
                return _content(found)
    finally:
        system.close()


def _content(found: Rows | Fetched) -> list[Any]:
    """The rows in no order, or the bytes of files."""
    if isinstance(found, Fetched):
        from glob import glob

        paths = sorted(path for pattern in found.patterns for path in glob(pattern, root_dir=found.folder))  # noqa: PTH207
        return [(path, (found.folder / path).read_bytes()) for path in paths]
    return sorted(repr(row) for batch in found.reader for row in batch.to_pylist())
