"""The scenario of docs/partitions.md: its files make a project, its commands say what stands below them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.acceptance.command import ENVIRONMENT, run

PAGE = Path(__file__).parents[2] / "docs" / "partitions.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
WIDE = {name: value for name, value in ENVIRONMENT.items() if name != "COLUMNS"}
"""The test runner says how wide its own lines are; a page shows whole ones."""
ADDED = re.compile(r"echo (\S+) >> (\S+)")


def test_the_page_says_what_happens(tmp_path: Path) -> None:
    """Late rows, a corrected month, a backfill."""
    (tmp_path / "upriver.toml").write_text("")
    text = PAGE.read_text(encoding="utf-8")
    scenario = text[text.index("## A scenario") : text.index("## Declaring")]
    for language, block in BLOCK.findall(scenario):
        if language == "console":
            _console(tmp_path, block)
            continue
        name, _, body = block.partition("\n")
        path = tmp_path / name.lstrip("#- ").strip()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)


def _console(folder: Path, block: str) -> None:
    said = ""
    for line in block.splitlines():
        if not line.startswith("$ "):
            assert line in said, (line, said)
        elif added := ADDED.fullmatch(line.removeprefix("$ ")):
            with (folder / added[2]).open("a") as file:
                file.write(f"{added[1]}\n")
        else:
            done = run(*line.removeprefix("$ upriver ").split(), folder=folder, environment=WIDE)
            said = done.out + done.err
