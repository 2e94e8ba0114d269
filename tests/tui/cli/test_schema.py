"""``upriver schema`` prints a JSON Schema and nothing else, in any folder."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tui.cli.test_whole import upriver

from upriver.assets.declare.json_schemas import config_schema, header_schema


def test_the_schemas_are_printed_without_a_project(tmp_path: Path) -> None:
    """To be written to a file."""
    assert json.loads(upriver(tmp_path, "schema", "header").out) == header_schema()
    assert json.loads(upriver(tmp_path, "schema", "config").out) == config_schema()


def test_another_word_is_wrong_usage(tmp_path: Path) -> None:
    """There are two."""
    assert upriver(tmp_path, "schema", "asset").code == 2
