"""A folder of a process is its own from the first moment, also while others clean up."""

from __future__ import annotations

from pathlib import Path

from upriver.materializer.storage.durable_files import Held, OsFiles
from upriver.materializer.storage.locks import FileLock
from upriver.materializer.storage.process_folders import Sessions


class SweptMeanwhile(OsFiles):
    """Files on which another process cleans up just when the first lock was made, before it is taken."""

    def __init__(self, folder: Path, *, beaten: bool) -> None:
        self.folder = folder
        self.beaten = beaten
        self.swept: list[Path] = []

    def try_lock(self, path: Path, create: bool = True) -> Held | None:
        lock = FileLock(path, create)
        lock.descriptor()
        if not self.swept:
            self.swept = Sessions(self.folder).sweep()
            if self.beaten:
                return None
        return lock if lock.try_exclusive() else None


def test_a_folder_that_is_swept_away_before_its_lock_is_taken_is_made_again(tmp_path: Path) -> None:
    """Builds overlap: one cleans up while another begins."""
    for beaten in (False, True):
        folder = tmp_path / str(beaten)
        files = SweptMeanwhile(folder, beaten=beaten)
        own = Sessions(folder, files).own()
        assert files.swept
        assert own not in files.swept
        assert own.is_dir()
        assert Sessions(folder).sweep() == []
        (own / "draft").write_bytes(b"x")
