"""Puts what commands print today below them: ``python -m tests.docs docs/tutorial.md …``. Read the difference."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.docs.pages import Desk, Page


def renewed(page: Page, folder: Path) -> str:
    """The text of *page*, tried in *folder*, with today's output; what quotes nothing goes on doing so."""
    (folder / "desk").mkdir()
    desk = Desk.at(folder / "desk", folder / "tools")
    if page.begins_with_the_shop:
        desk.type("upriver init shop")
        desk.type("cd shop && upriver build")
    text, place = page.text, 0
    for block in page.blocks():
        if block.not_run:
            continue
        if block.path:
            desk.write(block)
        for command in block.commands:
            code, output = desk.type(command.words)
            if code != command.code:
                sys.stderr.write(f"{page.name}: $ {command.words}\nended with {code}:\n{output}\n")
            if not command.quoted:
                continue
            before = "".join(f"{line}\n" for line in command.quoted)
            place = text.index(before, text.index(f"$ {command.words}", place))
            after = "".join(f"{line.rstrip()}\n" for line in output.splitlines())
            if not any(line.strip() == "…" for line in command.quoted):
                text = text[:place] + after + text[place + len(before) :]
                place += len(after)
    return text


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as made:
            page = Page(Path(name).resolve())
            page.path.write_text(renewed(page, Path(made)), encoding="utf-8")
            shutil.rmtree(Path(made) / "desk", ignore_errors=True)
