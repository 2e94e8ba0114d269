"""JSON Schemas of headers and settings say what the readers take: neither more names nor fewer, no value refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.declare.json_schemas import config_schema, header_schema
from upriver.assets.declare.options import DIALECTS, NESTED, SQL_OPTIONS, VOLATILE, read_options
from upriver.assets.model import Place
from upriver.assets.project.config import BUILD_SETTINGS, SECTIONS, read_config

HEADER = jsonschema.Draft202012Validator(header_schema())
CONFIG = jsonschema.Draft202012Validator(config_schema())


def is_read(given: Mapping[str, object]) -> bool:
    """Whether the reader of headers takes all that is *given*."""
    return not read_options(given, SQL_OPTIONS, lambda name: Place("a.sql"))[1]


def test_every_option_and_setting_is_in_its_schema() -> None:
    """From the tables of the readers: one more there is one more here, or an error."""
    assert set(header_schema()["properties"]) == set(SQL_OPTIONS)
    assert set(config_schema()["properties"]) == set(SECTIONS)
    assert set(config_schema()["properties"]["build"]["properties"]) == set(BUILD_SETTINGS)
    for schema in (header_schema(), config_schema()):
        jsonschema.Draft202012Validator.check_schema(schema)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 200),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-3, max_value=1e6),
    st.sampled_from(
        [*DIALECTS, *VOLATILE, "5m", "1h30m", "90", "2GB", "true", "false", "marts.x", "A_*", "x y", ""]
    ),
    st.lists(st.sampled_from(["a", "b.c", "A_*", ""]), max_size=2),
)


@given(st.sampled_from([one for one in SQL_OPTIONS if one not in NESTED]), VALUES)  # those are read elsewhere
def test_no_option_that_the_reader_takes_is_refused(name: str, value: object) -> None:
    """An editor must not mark as wrong what works."""
    if is_read({name: value}):
        assert HEADER.is_valid({name: value}), (name, value)


@pytest.mark.parametrize(
    "given",
    [
        {"tag": ["x"]},
        {"retries": -1},
        {"retries": 101},
        {"dialect": "oracle"},
        {"volatile": "hourly"},
        {"ordered": "perhaps"},
        {"key": "a b"},
        {"timeout": "soon"},
    ],
)
def test_what_the_reader_refuses_is_marked(given: dict[str, object]) -> None:
    """The commonest slips."""
    assert not is_read(given)
    assert not HEADER.is_valid(given)


RIGHT = """
[project]
name = "shop"
[variables]
days = 3
ratio = 0.5
strict = true
[pools]
api = 2
[build]
jobs = 4
memory = "8GB"
isolation = "observed"
allow_read = ["/models", { path = "/data", stat = true }]
[secrets]
TOKEN = "~/token"
[environments.prod]
variables = { days = 30 }
"""


@pytest.mark.parametrize(
    "text",
    [
        "",
        RIGHT,
        "[projct]\nname = 'x'",
        "[project]\nnme = 'x'",
        "[build]\njobs = 0",
        "[build]\nisolation = 'none'",
        "[build]\nallow_read = [{ stat = true }]",
        "[pools]\napi = '2'",
        "[variables]\n'a b' = 1",
        "[environments.prod]\njobs = 1",
    ],
)
def test_settings_are_valid_where_they_can_be_read(tmp_path: Path, text: str) -> None:
    """Both say the same of these."""
    import tomllib

    (tmp_path / "upriver.toml").write_text(text)
    assert CONFIG.is_valid(tomllib.loads(text)) == (read_config(tmp_path)[1] == ())
