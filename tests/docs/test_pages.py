"""The documentation does what it says: each page is tried from top to bottom, and its links lead somewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tests.acceptance.command import run
from tests.docs.pages import PAGES, ROOT, Desk, Page, not_found
from tests.docs.syntax import check_syntax

ALL = [Page(path) for path in PAGES]
OWN_TEST = "docs/partitions.md"
"""Its files make a project of their own: tests/acceptance/test_partitions_page.py runs it."""
TRIED = [
    page for page in ALL if page.name != OWN_TEST and any(b.commands and not b.not_run for b in page.blocks())
]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``upriver init shop`` writes, built. Never edited: pages take copies."""
    folder = tmp_path_factory.mktemp("begin")
    assert run("init", "shop", folder=folder).code == 0
    assert run("-C", "shop", "build", folder=folder).code == 0
    return folder / "shop"


@pytest.mark.parametrize("page", TRIED, ids=lambda page: page.name)
def test_a_page_does_what_it_says(page: Page, shop: Path, tmp_path: Path) -> None:
    """Each command ends as it is said to, and prints what is quoted, but for figures and times."""
    folder = tmp_path / "desk"
    folder.mkdir()
    desk = Desk.at(folder, tmp_path / "tools")
    if page.begins_with_the_shop:
        shutil.copytree(shop, folder / "shop")
        desk.folder = folder / "shop"
        desk.type("upriver allow")
    for block in page.blocks():
        if block.not_run:
            continue
        if block.path:
            desk.write(block)
        for command in block.commands:
            code, output = desk.type(command.words)
            where = f"{page.name}:{block.line + 1}: $ {command.words}"
            assert code == command.code, f"{where}\nended with {code}:\n{output}"
            absent = not_found(command.quoted, output)
            assert absent is None, f"{where}\ndid not print\n{absent}\nbut\n{output}"


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_what_is_not_run_is_well_formed(page: Page) -> None:
    """And names commands and options that are there."""
    for block in page.blocks():
        if block.not_run:
            check_syntax(block)


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Page) -> None:
    """To a file of the repository, and to a heading of it."""
    broken = []
    for target in LINK.findall(FENCED.sub("", page.text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        path = (page.path.parent / name).resolve() if name else page.path
        if not path.exists() or (heading and heading not in headings(path)):
            broken.append(target)
        elif not path.is_relative_to(ROOT / "docs") and page.path.is_relative_to(ROOT / "docs"):
            broken.append(f"{target}, which is outside of the pages")
    assert broken == []


def test_every_page_is_in_the_table_of_contents() -> None:
    """A page that nothing leads to is not read."""
    listed = set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == {path.relative_to(ROOT / "docs").as_posix() for path in PAGES[1:]}


def headings(path: Path) -> set[str]:
    """The anchors of a page."""
    found = re.findall(r"^#+ (.*)$", FENCED.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in found}
