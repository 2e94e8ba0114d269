"""The reference says what is there: every option, format and setting, and an example that builds."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from upriver.assets import source
from upriver.assets.declare import locations
from upriver.assets.declare.options import PYTHON_OPTIONS, SQL_OPTIONS
from upriver.assets.project.config import Config
from upriver.materializer.model import Outcome, RunStatus
from upriver.materializer.session import Session

TEXT = (Path(__file__).parents[2] / "docs" / "declaring.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```\w+\n(?:#|--) (\S+/\S+|\S+\.toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def written(name: str) -> bool:
    """Whether *name* stands in the text as code."""
    return re.search(rf"`{re.escape(name)}=?`", TEXT) is not None


def test_every_option_of_an_asset_is_in_its_table() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert {*PYTHON_OPTIONS, *SQL_OPTIONS} <= set(listed)


@pytest.mark.parametrize("format", locations.FORMATS)
def test_every_format_and_option_of_a_reader_is_named(format: str) -> None:
    assert written(format)
    row = next((line for line in TEXT.splitlines() if line.startswith(f"| `{format}`")), "")
    named = set(re.findall(r"`(\w+)`", row.rpartition(" | ")[2]))
    assert named == set(locations._OPTIONS.get(format, {}))


def test_every_ending_is_named() -> None:
    assert [ending for ending in locations._SUFFIXES if not written(ending)] == []


def test_every_parameter_of_a_source_is_used_or_named() -> None:
    parameters = set(inspect.signature(source).parameters) - {"key", "location", "options"}
    assert {name for name in parameters if f"{name}=" not in TEXT} == set()


def test_every_section_of_the_settings_is_in_the_example() -> None:
    sections = set(re.findall(r"^\[{1,2}(\w+)", TEXT, re.MULTILINE))
    assert sections == {"project", "build", *Config.__struct_fields__} - {
        "name",
        "jobs",
        "memory",
        "batch",
        "isolation",
        "allow_read",
    }


def test_the_example_builds(tmp_path: Path) -> None:
    for path, text in BLOCK.findall(TEXT):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    session = Session(tmp_path)
    result = session.build()
    rows = session.sql("select tree, weight, market from marts.heaviest order by tree").rows
    session.close()
    assert result.status is RunStatus.SUCCESS
    assert {one.asset: one.action for one in result.assets} == dict.fromkeys(
        ("staging.apples", "marts.heaviest", "marts.label", "quotes"), Outcome.BUILT
    )
    assert [tuple(row) for row in rows] == [(1, 0.6, "Bern"), (2, 0.9, "Bern")]
