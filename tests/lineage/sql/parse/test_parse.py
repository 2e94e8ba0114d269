"""Which tables and files a query reads, and what is said about text that is no query."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upriver.assets.errors import Diagnosis
from upriver.assets.model import Place
from upriver.lineage.sql.parse.parse import Text, parse_queries, parse_query
from upriver.lineage.sql.parse.query import Query


def parsed(sql: str, dialect: str = "duckdb") -> Query:
    """The query, which must parse."""
    query = parse_query(sql, dialect)
    assert isinstance(query, Query), query
    return query


def refused(sql: str, dialect: str = "duckdb") -> Diagnosis:
    """The diagnosis of what must not parse."""
    diagnosis = parse_query(sql, dialect, path="a/b.sql", first_line=3)
    assert isinstance(diagnosis, Diagnosis), diagnosis
    return diagnosis


REFERENCES = {
    "select a from t": ["t"],
    "from t": ["t"],
    "table t": ["t"],
    "describe t": ["t"],
    "summarize s.t": ["s.t"],
    "select * from s.t, u join v.w.x using (a)": ["s.t", "u", "v.w.x"],
    'select * from "S"."T"': ["s.t"],
    'select * from "a b"': ["a b"],
    "select * from s . t": ["s.t"],
    "select * from s./* here */t": ["s.t"],
    "select (select max(a) from u) from t where b in (from v select c)": ["t", "u", "v"],
    "with q as (select * from t) select * from q": ["t"],
    "with q as (select * from t) select * from s.q": ["t", "s.q"],
    "with t as (select * from t) select * from t": ["t"],
    "with q as (select * from p), p as (select 1) select * from q, p": ["p"],
    "with q as (with t as (select 1 as a) from t) select * from q, t": ["t"],
    "with recursive q as (select a from q union all select a from q) from q": ["q"],
    "with recursive q as (select a from t union all select a from q join u using (a)) from q": ["t", "u"],
    "with recursive q(a) using key (a) as (select 1 union select a from recurring.q join t using (a)) from q": [
        "t"
    ],
    "with Q as (select * from t) select * from q": ["t"],
    "select * from t where exists (with u as (select 1) from u)": ["t"],
    "select * from range(3), unnest([1]), generate_series(1, 2), (values (1)) v(a)": [],
    "values (1), (2)": [],
    "select * from t, lateral (select * from u where u.a = t.a)": ["t", "u"],
    "pivot t on a in (1, 2) using sum(b)": ["t"],
    "from t pivot (sum(b) for a in (1, 2))": ["t"],
    "unpivot t on a, b into name n value v": ["t"],
    "pivot t on a using sum(b)": ["t"],
    "pivot s.t on a, b using sum(c), max(d) group by e order by e limit 3": ["s.t"],
    "pivot (select * from t join u using (a)) on a": ["t", "u"],
    "with q as (from t) pivot q on a in (select b from u) using sum(c)": ["t", "u"],
    "with q as (pivot t on a using sum(b)) select * from q join u using (c)": ["t", "u"],
    "select * from (pivot t on a) join (pivot u on a) using (b)": ["t", "u"],
    "select 'from t' as a -- from u\n/* from v */": [],
    "select a from t union (select a from u except select a from v)": ["t", "u", "v"],
    "select * from t t1, t t2": ["t", "t"],
    "select é from ü.ö where 'é' = ä": ["ü.ö"],
}


@pytest.mark.parametrize("sql", REFERENCES)
def test_the_tables_that_a_query_reads(sql: str) -> None:
    query = parsed(sql)
    assert sorted(r.key for r in query.references) == sorted(REFERENCES[sql])
    assert not query.files
    for reference in query.references:
        spelled = query.executable[reference.start : reference.end]
        assert "".join(spelled.replace('"', "").replace("/* here */", "").split()) == ".".join(
            reference.parts
        ).replace(" ", "")


def test_references_have_the_place_in_the_users_file() -> None:
    query = parse_query("select *\nfrom ü, s.t as u", path="a/b.sql", first_line=7)
    assert isinstance(query, Query)
    assert [(r.key, r.place, r.alias) for r in query.references] == [
        ("ü", Place("a/b.sql", 8, 6), None),
        ("s.t", Place("a/b.sql", 8, 9), "u"),
    ]


FILES = {
    "from 'data/x.csv'": (("data/x.csv",), "csv", None, "x"),
    "from 'x.tsv.gz'": (("x.tsv.gz",), "csv", None, "x"),
    'from "data/x.parquet" t': (("data/x.parquet",), "parquet", None, "x"),
    "from 'x.json'": (("x.json",), "ndjson", "read_json_auto({files})", "x"),
    "from 'x.ndjson'": (("x.ndjson",), "ndjson", None, "x"),
    "from 'd/*.arrow'": (("d/*.arrow",), "arrow", None, "*"),
    "from read_csv('x.csv')": (("x.csv",), "csv", None, "read_csv"),
    "from read_csv('x.csv', delim = ';') as t(a, b)": (
        ("x.csv",),
        "csv",
        "read_csv({files}, delim = ';')",
        "read_csv",
    ),
    "from read_csv(['a.csv', 'b,c.csv'], columns := {'a': 'int'})": (
        ("a.csv", "b,c.csv"),
        "csv",
        "read_csv({files}, columns := {'a': 'int'})",
        "read_csv",
    ),
    "from read_parquet('p/*/*.parquet', hive_partitioning = true)": (
        ("p/*/*.parquet",),
        "parquet",
        "read_parquet({files}, hive_partitioning = true)",
        "read_parquet",
    ),
    "from read_json( 'x.json' )": (("x.json",), "ndjson", "read_json( {files} )", "read_json"),
    "from read_ndjson('x.ndjson')": (("x.ndjson",), "ndjson", None, "read_ndjson"),
    "from read_text('x.md')": (("x.md",), "file", "read_text({files})", "read_text"),
}


@pytest.mark.parametrize("sql", FILES)
def test_the_files_that_a_query_reads(sql: str) -> None:
    query = parsed(sql)
    (file,) = query.files
    assert (file.patterns, file.format, file.scan, file.name) == FILES[sql]
    assert query.executable[file.start : file.end] == file.call
    assert not query.references
    assert not query.unfollowed


def test_the_same_files_read_the_same_way_are_one_source_and_otherwise_not() -> None:
    def key(sql: str) -> str:
        return parsed(sql).files[0].key

    assert key("select a from 'd/x.csv'") == key("from read_csv('d/x.csv') where b > 1")
    assert key("from 'd/x.csv'") != key("from 'e/x.csv'")
    assert key("from 'd/x.csv'") != key("from read_csv('d/x.csv', delim = ';')")


@pytest.mark.parametrize(
    "sql",
    [
        "from postgres_scan('x', 'y', 'z')",
        "from read_csv(getvariable('x'))",
        "from glob('*.csv')",
        "from duckdb_tables()",
    ],
)
def test_table_functions_that_read_what_is_not_followed_are_named(sql: str) -> None:
    query = parsed(sql)
    assert query.unfollowed
    assert not query.files


def test_a_url_is_a_remote_file() -> None:
    assert parsed("from 'https://example.org/x.csv'").files[0].remote
    assert not parsed("from 'x.csv'").files[0].remote


DIAGNOSES = {
    "select a fro t where b": ("sql-syntax", 3, 14, "'from'"),
    "selec a from t": ("sql-syntax", 3, 1, "'select'"),
    "select a,\n  b +\nfrom t": ("sql-syntax", 5, 1, None),
    "select 'a": ("sql-syntax", 3, 8, None),
    "": ("sql-statement", 3, None, "SELECT"),
    " -- only a comment": ("sql-statement", 3, None, "SELECT"),
    "select 1; select 2": ("sql-statement", 3, 10, "asset of its own"),
    "drop table t": ("sql-statement", 3, 1, "SELECT only"),
    "create table x as select 1": ("sql-statement", 3, 1, "SELECT only"),
    "insert into t values (1)": ("sql-statement", 3, 1, "SELECT only"),
    "copy t to 'x.csv'": ("sql-statement", 3, 1, "SELECT only"),
    "with q as (insert into t values (1) returning a) select * from q": ("sql-statement", 3, None, None),
    "select $1": ("sql-parameter", 3, 8, "variable"),
    "select * from t where a = ?": ("sql-parameter", 3, 27, "variable"),
    "from query('select 1')": ("sql-hidden-read", 3, 6, "itself"),
    "from query_table('t')": ("sql-hidden-read", 3, 6, "itself"),
    "show tables": ("sql-statement", 3, None, None),
    "select a from t at (version => 1)": ("sql-unsupported", 3, 15, None),
    "select '\0'": ("sql-syntax", 3, None, "remove"),
    "select '\ud800'": ("sql-syntax", 3, None, None),
}


@pytest.mark.parametrize("sql", DIAGNOSES)
def test_what_is_no_query_gets_a_diagnosis_with_its_place(sql: str) -> None:
    code, line, column, hint = DIAGNOSES[sql]
    diagnosis = refused(sql)
    assert diagnosis.code == code
    assert diagnosis.place == Place("a/b.sql", line, column)
    assert (hint is None) or (diagnosis.hint is not None and hint in diagnosis.hint), diagnosis.hint
    if column is not None:
        assert diagnosis.excerpt is not None
        shown, marks = diagnosis.excerpt.split("\n")
        assert shown.startswith(f"{line} | ")
        assert marks.index("^") == len(f"{line} | ") + column - 1


def test_the_executable_text_ends_with_the_query_so_that_it_can_stand_in_parentheses() -> None:
    query = parsed("select 1 as a ; -- done\n ; /* really */")
    assert duckdb.execute(f"select * from ({query.executable})").fetchall() == [(1,)]


def test_texts_parsed_together_are_what_they_are_alone() -> None:
    sources = [
        Text("select a from t"),
        Text("selec"),
        Text("from x.y", path="p.sql", first_line=2),
        Text("pivot t on a"),
    ]
    together = parse_queries(sources)
    assert together == [parse_query(s.text, s.dialect, s.path, s.first_line) for s in sources]
    assert parse_queries([]) == []


@given(text=st.text(max_size=60))
def test_any_text_is_a_query_or_a_diagnosis(text: str) -> None:
    assert isinstance(parse_query(text), Query | Diagnosis)


@given(
    text=st.lists(
        st.sampled_from(
            [
                "select",
                "from",
                "t",
                "where",
                "(",
                ")",
                ",",
                ".",
                "'x'",
                '"',
                "--",
                "/*",
                "*/",
                "with",
                "q",
                "as",
                "pivot",
                "on",
                ";",
                "$$",
                "\n",
                "é",
            ]
        )
    )
)
def test_any_words_are_a_query_or_a_diagnosis(text: list[str]) -> None:
    assert isinstance(parse_query(" ".join(text)), Query | Diagnosis)


DIALECTS = {
    "snowflake": ("select iff(a > 1, b, c) as x, a::varchar as y from s.t", ["s.t"]),
    "bigquery": ("select safe_cast(a as string) as x from `s.t`", ["s.t"]),
    "postgres": ("select a::text as x, to_char(d, 'YYYY') as y from s.t where b ilike 'x%'", ["s.t"]),
    "mysql": ("select ifnull(a, 1) as x from `t` limit 1, 2", ["t"]),
    "tsql": ("select top 3 a from [s].[t]", ["s.t"]),
    "spark": ("select explode(l) as x from t", ["t"]),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_other_dialects_are_translated(dialect: str) -> None:
    sql, keys = DIALECTS[dialect]
    query = parsed(sql, dialect)
    assert [r.key for r in query.references] == keys
    assert query.text == sql
    assert isinstance(parse_query(query.executable), Query)


def test_comments_mean_nothing_in_other_dialects_either() -> None:
    one = parsed("select iff(a > 1, b, c) as x from t", "snowflake")
    other = parsed("select IFF(a > 1, b, c) as x -- why\nfrom t", "snowflake")
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    ("sql", "dialect", "code"),
    [
        ("select 1", "klingon", "sql-dialect"),
        ("select from from", "snowflake", "sql-syntax"),
        ("select 1; select 2", "postgres", "sql-statement"),
        ("select 'a", "postgres", "sql-dialect"),
    ],
)
def test_what_can_not_be_translated_gets_a_diagnosis(sql: str, dialect: str, code: str) -> None:
    diagnosis = refused(sql, dialect)
    assert diagnosis.code == code
    assert diagnosis.place is not None
    assert diagnosis.place.path == "a/b.sql"


def test_a_dialect_with_a_typing_error_is_guessed() -> None:
    assert refused("select 1", "snowflak").hint == "did you mean 'snowflake'?"
