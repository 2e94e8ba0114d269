"""Edits of small projects: which of them the fingerprint must see, and which it must not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.lineage.python.conftest import Projects


class Edit(NamedTuple):
    """One case of ``edits.txt``."""

    title: str
    same: bool
    project: str
    edited: str


def _cases() -> list[Edit]:
    cases = []
    text = (Path(__file__).parent / "edits.txt").read_text(encoding="utf-8")
    for block in text.split("\n== ")[1:]:
        head, _, rest = block.partition("\n")
        verdict, _, title = head.partition(": ")
        project, *edits = rest.split("\n<<<\n")
        edited = project = project + "\n"
        for edit in edits:
            old, _, new = (
                edit.removesuffix("\n").removesuffix("\n>>>").removesuffix(">>>").partition("\n===\n")
            )
            if old.strip() and old in project:
                edited = edited.replace(old, new, 1)
        assert edited != project, f"the edit of {title!r} changes nothing"
        cases.append(Edit(title, verdict == "same", project, edited))
    return cases


@pytest.mark.parametrize("edit", [pytest.param(e, id=e.title.replace(" ", "-")) for e in _cases()])
def test_the_fingerprint_sees_exactly_what_bears_on_the_function(
    edit: Edit, projects: Projects, split: Callable[[str], dict[str, str]]
) -> None:
    before = projects.reach(split(edit.project))
    after = projects.reach(split(edit.edited))
    if edit.same:
        assert after.fingerprint == before.fingerprint
    else:
        assert after.fingerprint != before.fingerprint
