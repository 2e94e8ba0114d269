"""What DuckDB says while a query runs comes with the place in the file that the user wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from upriver.materializer.session import Session


def _error(root: Path, query: str) -> str:
    (root / "upriver.toml").write_text('[project]\nname = "errors"\n')
    folder = root / "assets" / "staging"
    folder.mkdir(parents=True)
    (folder / "words.sql").write_text("select 'x' || i as t, i from range(3) as r(i)\n")
    (root / "assets" / "b.sql").write_text(query)
    session = Session(root)
    try:
        (found,) = [one.error for one in session.build().assets if one.asset == "b"]
    finally:
        session.close()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("select cast(t as integer) as n from staging.words\n", "1:8"),
        (
            "/* upriver:\ntags: [x]\n*/\n\n-- said\nselect\n    i,\n    cast(t as integer) as n\nfrom staging.words\n",
            "8:5",
        ),
        ("select i from staging.words where cast(words.t as integer) > 1\n", "1:35"),
        ("select é, cast(u as integer) as n from (select t as é, t as u from staging.words)\n", "1:11"),
        ("select i::hugeint as h, cast(t as integer) as n\nfrom staging.words\n", "1:25"),
        (
            f"select i,\n  {'i + ' * 60} cast(t as integer) as n, {'i + ' * 60} 1 as m\nfrom staging.words\n",
            "2:244",
        ),
        (
            "select i, 1 as n from staging.words\nunion all\nselect i, cast(t as integer) as n from staging.words\n",
            "3:11",
        ),
    ],
    ids=[
        "plain",
        "below a header",
        "in a filter",
        "not ASCII",
        "stored otherwise",
        "a long line",
        "the second part",
    ],
)
def test_the_place_of_an_error_is_in_the_file(query: str, place: str, tmp_path: Path) -> None:
    said = _error(tmp_path, query)
    assert said.startswith(f"assets/b.sql:{place}: Conversion Error: Could not convert string"), said
    assert "^^^^" in said
    assert "LINE" not in said


def test_an_error_without_a_place_is_told_as_it_is(tmp_path: Path) -> None:
    said = _error(tmp_path, "select error('no place') as n from staging.words\n")
    assert "no place" in said
