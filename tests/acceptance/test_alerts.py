"""A failure is told to a program by `upriver watch`, once when it opens and once when it is over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.acceptance.command import Project, run
from tests.json_contract import check_document, parts


def told(project: Project) -> list[Any]:
    """All messages that the program has got."""
    path = project.root / "told"
    lines = path.read_text().splitlines() if path.exists() else []
    return [message for line in lines for message in json.loads(line)["messages"]]


def test_a_failure_and_its_end_are_told_once(tmp_path: Path) -> None:
    """Also when several looks are taken meanwhile; what is told is the document of the incident."""
    project = Project(tmp_path)
    project.write("upriver.toml", '[[alerts]]\ncommand = ["sh", "-c", "cat >> told; echo >> told"]\n')
    recipe = "/* upriver:\nfresh_within: 1h\nowner: eng\n*/\nselect {} as s from range(3) t(a)\n"
    project.write("assets/sums.sql", recipe.format("error('no')"))
    for _ in range(2):
        assert run("watch", "--once", folder=project.root).code in (0, 1)
    (opened,) = told(project)
    check_document({"incidents": [opened["incident"]]}, "incidents")
    assert "incident" in parts()
    assert (opened["transition"], opened["possibly_repeated"]) == ("opened", False)
    assert opened["incident"]["cause"]["kind"] == "failed"
    assert opened["incident"]["affected"]["owners"] == ["eng"]
    (listed,) = project.read("incidents")["incidents"]
    assert listed["id"] == opened["incident"]["id"]

    project.write("assets/sums.sql", recipe.format("sum(a)"))
    for _ in range(2):
        assert run("watch", "--once", folder=project.root).code == 0
    _, over = told(project)
    assert over["transition"] == "recovered"
    assert over["key"] != opened["key"]
    assert project.read("incidents")["incidents"] == []
