"""Random builds with what goes wrong around them: bits flip in artifacts, links come and go, the disk is full."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule
from tests.faults.test_damage import overwrite
from tests.materializer.random_builds.edits import CODE, DATA
from tests.materializer.random_builds.steps import Builds, LivingContext

from upriver.assets.errors import UpriverError
from upriver.materializer.answers import BuildResult
from upriver.materializer.model import Outcome
from upriver.materializer.session import Session
from upriver.materializer.storage.durable_files import OsFiles
from upriver.materializer.upkeep.fsck import Report

EDITS = {name: edit for name, edit in {**DATA, **CODE}.items() if name not in ("columns", "drift", "switch")}
"""Edits after which every source is still what it is held to."""

WRITING = ("write", "append", "link", "replace", "make_folder", "sync")
"""The calls that a disk without a free block refuses."""


@contextmanager
def full_disk(after: int) -> Iterator[None]:
    """A disk on which the store and the journal have room for so many calls more."""
    left = [after]

    def refusing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: object, **named: object) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments, **named)

        return call

    with ExitStack() as stack:
        for name in WRITING:
            stack.enter_context(patch.object(OsFiles, name, refusing(getattr(OsFiles, name))))
        yield


class HardBuilds(Builds):
    """One project, edited and built again and again while things go wrong."""

    @rule(how=st.sampled_from(sorted(EDITS)))
    def flip_a_bit(self, how: str) -> None:
        """Nothing is made of a damaged artifact; once repaired, all is as it should be."""
        self.build(())
        path = self.choose.choice(self.store_files())
        data = bytearray(path.read_bytes())
        data[self.choose.randrange(len(data))] ^= 1 << self.choose.randrange(8)
        overwrite(path, bytes(data))
        EDITS[how](self.editor)
        self.check_made(self.context.build(()))
        self.close_and_repair()
        self.build(())
        assert self.problems() == ()

    @rule(name=st.sampled_from(("one", "two")))
    def link_a_source(self, name: str) -> None:
        """The same bytes behind a link are nothing new."""
        self.build(())
        self.move_behind_link(self.project.data_file(name))
        result = self.build(())
        assert {one.action for one in result.assets} == {Outcome.FRESH}

    @rule(how=st.sampled_from(sorted(DATA)))
    def lead_a_link_elsewhere(self, how: str) -> None:
        """Other rows behind a link are other rows."""
        DATA[how](self.editor)
        for name in self.project.rows:
            self.move_behind_link(self.project.data_file(name))
        self.build(self.some())

    @rule(how=st.sampled_from(sorted(EDITS)), folder=st.sampled_from(("store", "runs", "cache")))
    def link_a_folder(self, how: str, folder: str) -> None:
        """No build writes through a link in the project's own folder, and none is the worse for it."""
        place, other = self.project.root / ".upriver" / folder, self.folder / "moved"
        EDITS[how](self.editor)
        place.rename(other)
        place.symlink_to(other)
        before = {path: path.stat().st_mtime_ns for path in other.rglob("*")}
        try:
            with pytest.raises(UpriverError, match=folder):
                self.context.build(())
            assert {path: path.stat().st_mtime_ns for path in other.rglob("*")} == before
        finally:
            place.unlink()
            other.rename(place)
        self.build(())

    @rule(how=st.sampled_from(sorted(EDITS)), after=st.integers(0, 30))
    def fill_the_disk(self, how: str, after: int) -> None:
        """What is said to be made is made, and the rest is made when there is room."""
        EDITS[how](self.editor)
        told, result = "", None
        with full_disk(after):
            try:
                result = self.context.build(())
            except UpriverError as error:
                told = str(error)
        if result is None:
            assert "full" in told or "space" in told, told
        else:
            self.check_made(result)
        self.build(())

    # -- how it is done -------------------------------------------------------------------------------------
    def store_files(self) -> list[Path]:
        """All artifacts."""
        store = self.project.root / ".upriver" / "store"
        return sorted(path for path in store.glob("[0-9a-f][0-9a-f]/*") if path.is_file())

    def move_behind_link(self, path: Path) -> None:
        """Put the file somewhere else, with a link to it in its place."""
        elsewhere = self.project.root / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        other = elsewhere / f"{len(list(elsewhere.iterdir()))}-{path.name}"
        other.write_bytes(path.read_bytes())
        path.unlink()
        path.symlink_to(other)

    def check_made(self, result: BuildResult) -> None:
        """What was built, or taken again, holds what it should."""
        self.yardstick.look(self.observed(result))
        made = {one.asset for one in result.assets if one.action in (Outcome.BUILT, Outcome.REUSED)}
        for node, record in self.context.state.current("dev").items():
            if node.asset in made:
                assert self.read(record.version).bag() == self.yardstick[node.asset].bag(), node.asset

    def close_and_repair(self) -> None:
        """Close all, have it repaired, and open it anew; what was made before may be made again."""
        self.context.close()
        self.problems(repair=True)
        self.context = LivingContext(self.project.root, self.tools, self.ahead)
        self.artifacts.clear()
        self.seen.clear()
        self.seen_ordered.clear()

    def problems(self, *, repair: bool = False) -> tuple[object, ...]:
        """What is wrong with the project; with *repair* before that was mended."""
        session = Session(self.project.root, clock=self.context.clock)
        try:
            found = session.fsck(repair=repair)
        finally:
            session.close()
        return found.problems if isinstance(found, Report) else ()
