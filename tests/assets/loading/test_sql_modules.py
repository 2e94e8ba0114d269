"""SQL modules: headers, bodies and their positions."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.declare.options import DIALECTS
from upriver.assets.errors import Diagnosis
from upriver.assets.loading.sql_module import parse_sql_module
from upriver.assets.model import Asset, Execution, Kind, SqlRecipe
from upriver.lineage.sql.dialects.known import ALIASES, NAMES, dialect_named

PATH = "assets/marts/delays.sql"


def parse(text: str, path: str = PATH) -> Asset:
    """The asset of a module in which nothing is wrong."""
    parsed = parse_sql_module(path, text)
    assert isinstance(parsed, Asset), parsed
    return parsed


def wrong(text: str, path: str = PATH) -> tuple[Diagnosis, ...]:
    """What is wrong with a module."""
    parsed = parse_sql_module(path, text)
    assert not isinstance(parsed, Asset)
    return parsed


def recipe(text: str) -> SqlRecipe:
    found = parse(text).recipe
    assert isinstance(found, SqlRecipe)
    return found


def test_a_query_alone_is_an_asset() -> None:
    asset = parse("select 1\n")
    assert (asset.key, asset.kind, asset.recipe) == ("marts.delays", Kind.TABLE, SqlRecipe("select 1\n"))
    assert str(asset.place) == "assets/marts/delays.sql:1"


def test_the_header_says_everything_else() -> None:
    asset = parse(
        dedent("""\
        /* upriver:
        key: marts.other
        description: Average delay
          by carrier.
        tags: [marts, daily]
        owner: no
        dialect: Postgres
        retries: 2
        backoff: 10s
        timeout: 1h30m
        memory: 2GB
        pool: api
        after: [staging.x]
        environment:
          - API_KEY
        variables: region
        volatile: daily
        ordered: true
        */
        select 1
        """)
    )
    assert asset.key == "marts.other"
    assert asset.description == "Average delay by carrier."
    assert asset.tags == ("marts", "daily")
    assert asset.owner == "no"
    assert asset.recipe == SqlRecipe("select 1\n", "postgres", 20)
    assert asset.execution == Execution(retries=2, backoff=10, timeout=5400, memory=2 * 10**9, pool="api")
    assert (asset.after, asset.environment, asset.variables) == (("staging.x",), ("API_KEY",), ("region",))
    assert (asset.volatile, asset.ordered) == ("daily", True)


def test_text_in_the_header_is_the_text_that_was_written() -> None:
    """YAML would make a number, a date and False of these."""
    for text in ("1.10", "2024-01-01", "no", "0x10"):
        assert parse(f"/* upriver:\ndescription: {text}\n*/ select 1").description == text
    assert parse("/* upriver:\ndescription:\nowner: ~\n*/ select 1").owner is None


@pytest.mark.parametrize("before", ["", "\n\n", "-- licence\n", "\ufeff", "\ufeff-- a\n\n  -- b\n\t\n"])
def test_only_blank_lines_and_line_comments_stand_before_the_header(before: str) -> None:
    assert parse(before + "/* upriver:\ntags: [a]\n*/\nselect 1").tags == ("a",)


@pytest.mark.parametrize("header", ["/* upriver: */", "/*upriver:\n\n*/", "/* upriver:\n# nothing\n*/"])
def test_a_header_may_be_empty(header: str) -> None:
    assert recipe(header + "\nselect 1").text == "select 1"


def test_a_header_may_be_one_line() -> None:
    assert parse("/* upriver: {tags: [a], owner: me} */ select 1").owner == "me"
    assert parse("/* upriver: owner: me */ select 1").owner == "me"


@given(
    before=st.sampled_from(["", "\n", "-- c\n", "\ufeff", "\r\n-- c\r\n"]),
    header=st.sampled_from(
        ["", "/* upriver:\ntags: [a]\n*/", "/* upriver: {owner: 'ü'} */", "/* upriver:\r\nowner: x\r\n*/"]
    ),
    between=st.sampled_from(["", " ", "\n", "  \n", "\n\n", "\r\n", " -- why\n"]),
    query=st.sampled_from(
        ["select MARK from t", "select\n  MARK\nfrom t", "with a as (\r\n select MARK) from a"]
    ),
)
def test_every_position_in_the_query_is_one_in_the_file(
    before: str, header: str, between: str, query: str
) -> None:
    """Counting lines from the recipe's first one, a word is in the line and column where the file has it."""
    text = before + header + between + query
    found = recipe(text)
    offset = found.text.index("MARK")
    line = found.line + found.text.count("\n", 0, offset)
    column = offset - found.text.rfind("\n", 0, offset)
    lines = text.removeprefix("\ufeff").split("\n")
    assert lines[line - 1][column - 1 :].startswith("MARK")
    assert "upriver" not in found.text


@pytest.mark.parametrize(
    "text", ["", "\n", "-- nothing\n", "/* upriver:\ntags: [a]\n*/\n/* nothing */ ;", "/* open"]
)
def test_a_module_without_a_query_is_told(text: str) -> None:
    (diagnosis,) = wrong(text)
    assert diagnosis.code == "empty-sql"
    assert diagnosis.message == "there is no query in this file"


def test_wrong_options_are_all_told_at_their_places() -> None:
    text = "/* upriver:\ntgas: [x]\nretries: many\ntimeout: 5 minits\n*/ select 1"
    assert "\n\n".join(map(str, wrong(text))) == dedent("""\
        assets/marts/delays.sql:2:1: there is no option 'tgas'
          2 | tgas: [x]
            | ^
          hint: did you mean 'tags'?

        assets/marts/delays.sql:3:10: retries: a whole number is expected, not 'many'
          3 | retries: many
            |          ^

        assets/marts/delays.sql:4:10: timeout: '5 minits' has the unknown unit 'minits'; \
the units are d, h, m, s and ms
          4 | timeout: 5 minits
            |          ^""")


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (
            "/* upriver:\ntags: [a\nowner: b\n*/ select 1",
            "3:6",
            "while parsing a flow sequence that begins at",
        ),
        ("/* upriver:\n * tags: [a]\n */ select 1", "2:3", "hint: leave out the * at the start of lines"),
        ("/* upriver:\nowner: a: b\n*/ select 1", "2:9", "hint: put text with a colon in it in quotes"),
        ("/* upriver:\ntags:\n\t- a\n*/ select 1", "3:1", "hint: YAML is indented with spaces, not tabs"),
        ("-- x\n/* upriver: [a, */ select 1", "2:16", "the header is not valid YAML"),
        ("/* upriver:\ntags: [a]\ntags: [b]\n*/ select 1", "3:1", "'tags' is given twice"),
        ("/* upriver: hello */ select 1", "1:13", "the header has no options in it"),
        ("/* upriver:\n- a\n*/ select 1", "2:1", "the header has no options in it"),
        ("/* upriver:\ntags: [a]\nselect 1", "1:1", "the header is never closed"),
        ("/* upriver\ntags: [a]\n*/ select 1", "1:4", "this is nearly a header"),
        ("/* Upriver:\ntags: [a]\n*/ select 1", "1:4", "this is nearly a header"),
        ("/* uprivr:\ntags: [a]\n*/ select 1", "1:4", "this is nearly a header"),
        ("/** upriver:\n * tags: [a]\n */ select 1", "1:5", "this is nearly a header"),
        ("select 1;\n/* upriver:\ntags: [a]\n*/", "2:1", "the header must come first"),
        ("/* licence */\n/* upriver:\ntags: [a]\n*/ select 1", "2:1", "the header must come first"),
        ("/* upriver: */\n/* upriver: */ select 1", "2:1", "this is a second header"),
        ("/* upriver:\n? [a, b]\n: c\n*/ select 1", "2:3", "there is no option"),
        ("/* upriver:\ntags: {a: b}\n*/ select 1", "2:7", "tags: a list, such as [a, b], is expected"),
        ("/* upriver:\ndescription: [a]\n*/ select 1", "2:14", "description: text is expected"),
        ("/* upriver:\ndialect: postgresql\n*/ select 1", "2:10", "did you mean 'postgres'?"),
        ("/* upriver:\nkey: Bad\n*/ select 1", "2:6", "'Bad' is no key"),
        ("/* upriver:\nowner: &a [*a]\n*/ select 1", "2:8", "text is expected"),
        ("/* upriver:\nsuffix: .json\n*/ select 1", "2:1", "there is no option 'suffix'"),
    ],
)
def test_a_bad_header_is_told_at_its_place(text: str, place: str, said: str) -> None:
    (diagnosis,) = wrong(text)
    assert str(diagnosis.place) == f"{PATH}:{place}"
    assert said in str(diagnosis)
    assert diagnosis.excerpt


@pytest.mark.parametrize(
    "comment", ["/* name: x */", "/* river: x */", "/* A query of upriver */", "-- upriver: x\n"]
)
def test_other_comments_are_just_comments(comment: str) -> None:
    assert comment in recipe(comment + " select 1").text


@given(st.text(max_size=60))
def test_any_text_is_a_module_or_a_diagnosis(text: str) -> None:
    parsed = parse_sql_module(PATH, text)
    assert isinstance(parsed, Asset) or parsed


@given(st.text(max_size=60))
def test_any_header_is_an_asset_or_a_diagnosis(text: str) -> None:
    parsed = parse_sql_module(PATH, f"/* upriver:\n{text}\n*/ select 1")
    assert isinstance(parsed, Asset) or parsed


def test_a_key_in_the_header_makes_up_for_any_path() -> None:
    assert (
        parse("/* upriver:\nkey: marts.report\n*/ select 1", "assets/My Report (2).sql").key == "marts.report"
    )


def test_a_path_that_gives_no_key_is_told_together_with_the_rest() -> None:
    diagnoses = wrong("/* upriver:\ntgas: [x]\n*/", "assets/My Report.sql")
    assert [diagnosis.code for diagnosis in diagnoses] == ["unknown-option", "bad-key", "empty-sql"]


def test_the_dialects_are_those_that_can_be_translated() -> None:
    assert {"duckdb", *NAMES, *ALIASES, "mysql, collation=binary", "tsql, collation=binary"} == DIALECTS
    assert all(dialect_named(dialect) is not None for dialect in DIALECTS - {"duckdb"})


@given(
    st.text(
        st.characters(codec="utf-8", exclude_characters="*/'\r\x85\u2028\u2029", categories=["L", "N", "So"])
    )
)
def test_the_place_of_an_option_does_not_depend_on_the_letters_before_it(words: str) -> None:
    (diagnosis,) = wrong(f"-- {words}\n/* upriver: {{description: '{words}', tgas: x}} */ select 1")
    assert str(diagnosis.place) == f"{PATH}:2:{len(words) + 31}"


@pytest.mark.parametrize(
    "text",
    [
        "-- upriver:\n--   tags: [x]\nselect 1",
        "-- upriver: tags: [x]\nselect 1",
        "--upriver: tags=x\r\nselect 1",
        "-- upriver: {tags: [x]}\nselect 1",
        "select 1 as n\n-- upriver: tags: [x]",
        "/* upriver:\ntags: [x]\n*/\n-- upriver: owner: me\nselect 1",
    ],
)
def test_options_in_a_line_comment_are_not_passed_over(text: str) -> None:
    """The header is a block comment; other tools take line comments."""
    (found,) = wrong(text)
    assert found.message == "the header is a block comment; this line comment is not read"
    assert found.place is not None
    assert text.splitlines()[found.place.line - 1].startswith("--")
    assert "/* upriver:" in (found.hint or "")
