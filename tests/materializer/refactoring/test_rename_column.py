"""Another name for a column: rewritten where it is made and read, proven before it is written, all files or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.materializer.refactoring.test_rename_asset import texts, write

from upriver.assets.errors import UsageError
from upriver.lineage.refactoring.rename.columns.sql import QueryColumns, Rewritten
from upriver.lineage.refactoring.rename.values import ColumnRenaming
from upriver.materializer.model import Outcome, State
from upriver.materializer.session import Session
from upriver.materializer.session.remote.session_client import SessionClient

PROJECT = {
    "upriver.toml": "",
    "data/orders.csv": "id,amount\n1,10\n2,20\n",
    "assets/sources.py": 'from upriver.assets import source\n\norders = source("raw.orders", "data/orders.csv")\n',
    "assets/staging/orders.sql": "/* upriver:\ntags: [größe]\n*/\nselect id, amount from raw.orders\n",
    "assets/marts/total.sql": "select sum(amount) as total from staging.orders -- staging.orders.amount\n",
    "assets/marts/total_again.sql": "select total from marts.total\n",
    "assets/marts/kept.sql": "select id, amount from staging.orders\n",
    "assets/marts/below.sql": "select amount + 1 as more from marts.kept\n",
    "assets/marts/everything.sql": "select *, 'é' as one from staging.orders\n",
    "assets/marts/both.sql": (
        "select e.amount, s.amount as again, k.amount as kept\n"
        "from marts.everything e join staging.orders s using (id)\n"
        "join marts.kept k using (id) where e.amount > 0\n"
    ),
    "assets/marts/counted.sql": "select count(*) as n, max(id) as last from staging.orders\n",
    "notes.md": "What staging.orders.amount holds.\n",
}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    write(tmp_path, PROJECT)
    session = Session(tmp_path)
    yield session
    session.close()


def after(found: ColumnRenaming) -> dict[str, list[str]]:
    return {file.path: [line.after for line in file.lines] for file in found.files}


def test_the_preview_names_every_file_and_line_and_writes_nothing(session: Session) -> None:
    """A reader keeps the names of its own columns; one that selects everything passes the new name on to its readers."""
    before = texts(session.root)
    found = session.column_renaming("staging.orders", "AMOUNT", "usd")
    assert texts(session.root) == before
    assert after(found) == {
        "assets/marts/both.sql": [
            "select e.usd as amount, s.usd as again, k.amount as kept",
            "join marts.kept k using (id) where e.usd > 0",
        ],
        "assets/marts/kept.sql": ["select id, usd as amount from staging.orders"],
        "assets/marts/total.sql": ["select sum(usd) as total from staging.orders -- staging.orders.amount"],
        "assets/staging/orders.sql": ["select id, amount as usd from raw.orders"],
    }
    assert (found.old, found.follows, found.edits) == ("amount", ("marts.everything",), 6)
    assert set(found.rebuilt) == {
        "staging.orders", "marts.total", "marts.kept", "marts.everything", "marts.both",
    }  # fmt: skip
    assert [str(place) for place in found.mentions] == ["assets/marts/total.sql:1:49", "notes.md:1:6"]


def test_after_it_the_values_are_the_same_and_little_is_built(session: Session) -> None:
    """Readers are made again because their recipes changed, to the same contents: nothing below them is, nor is what
    never read the column.
    """
    session.build()
    keys = ("marts.total", "marts.both", "marts.below", "marts.everything")
    before = [session.sql(f"from {key} order by all").rows for key in keys]
    found = session.column_renaming("staging.orders", "amount", "usd")
    session.rename_column(found)
    result = {one.asset: one for one in session.build().assets}
    assert {key for key, one in result.items() if one.action is Outcome.BUILT} == set(found.rebuilt)
    assert {key for key, one in result.items() if one.changed} == {"staging.orders", "marts.everything"}
    for key in ("marts.below", "marts.total_again", "marts.counted"):
        assert result[key].action is Outcome.FRESH
    assert [session.sql(f"from {key} order by all").rows for key in keys] == before
    assert session.columns("marts.everything") == ("id", "usd", "one")
    assert session.columns("marts.both") == ("amount", "again", "kept")
    assert {one.state for one in session.status()} == {State.FRESH}
    session.rename_column(session.column_renaming("staging.orders", "usd", "amount"))
    assert {one.action for one in session.build().assets} <= {Outcome.REUSED, Outcome.BUILT, Outcome.FRESH}
    assert session.columns("staging.orders") == ("id", "amount")


@pytest.mark.parametrize(
    ("key", "column", "new", "says"),
    [
        ("staging.order", "amount", "x", "did you mean 'staging.orders'"),
        ("staging.orders", "amout", "x", "did you mean 'amount'"),
        ("staging.orders", "amount", "ID", "has a column ID already"),
        ("staging.orders", "amount", "amount", "called that already"),
        ("staging.orders", "amount", "", "has to be text"),
        ("staging.orders", "amount", "a\nb", "has to be text"),
        ("raw.orders", "amount", "usd", "upriver rename staging.orders.amount usd"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_with_the_next_step(
    session: Session, key: str, column: str, new: str, says: str
) -> None:
    before = texts(session.root)
    with pytest.raises(UsageError) as refused:
        session.column_renaming(key, column, new)
    assert says in str(refused.value)
    assert texts(session.root) == before


def test_every_place_that_needs_a_person_is_named(session: Session) -> None:
    """A pivot whose columns come from the data, and code that nobody can look into."""
    write(
        session.root,
        {
            "assets/marts/joined.sql": "pivot staging.orders on amount using sum(id)\n",
            "assets/marts/code.py": (
                "import pyarrow as pa\n\nfrom upriver.assets import asset\n\n\n"
                "@asset\n"
                "def hidden(staging_orders: pa.Table) -> pa.Table:\n"
                "    return staging_orders\n"
            ),
        },
    )
    with pytest.raises(UsageError) as refused:
        session.column_renaming("staging.orders", "amount", "usd")
    assert "assets/marts/joined.sql:1: it can't be told whether it would mean the same: PIVOT" in str(
        refused.value
    )
    assert "assets/marts/code.py:6: " in str(refused.value)
    assert "with --leave" in str(refused.value)


def test_what_needs_a_person_can_be_left_and_the_rest_is_proven_and_written(session: Session) -> None:
    """It is told what is left, and only that breaks. Where the column is made nothing can be left."""
    write(
        session.root,
        {
            "assets/marts/code.py": (
                "import pyarrow as pa\n\nfrom upriver.assets import asset\n\n\n"
                "@asset\n"
                "def table(staging_orders: pa.Table) -> pa.Table:\n"
                '    return staging_orders.select(["amount"])\n'
            ),
            "assets/marts/of_table.sql": "select amount from marts.table\n",
        },
    )
    session.build()
    found = session.column_renaming("staging.orders", "amount", "usd", leave=True)
    assert [(one.key, str(one.place)) for one in found.left] == [("marts.table", "assets/marts/code.py:8")]
    assert len(found.files) == 4
    session.rename_column(found)
    ended = {one.asset: one.action for one in session.build().assets}
    assert {key for key, action in ended.items() if action is Outcome.FAILED} == {"marts.table"}
    with pytest.raises(UsageError, match=r"marts\.table\.amount can't be called usd before"):
        session.column_renaming("marts.table", "amount", "usd", leave=True)


def test_eager_code_is_given_the_frame_that_it_was_given(session: Session) -> None:
    """Nobody can look into it, and nobody has to; what it gives is the same, and nothing below is built."""
    write(
        session.root,
        {
            "assets/marts/code.py": (
                "import polars as pl\n\nfrom upriver.assets import asset\n\n\n"
                "@asset\n"
                "def eager(staging_orders: pl.DataFrame) -> pl.DataFrame:\n"
                '    large = staging_orders.filter(pl.col("amount") > 15)\n'
                '    return large.select(pl.all(), share=pl.col("amount") / staging_orders["amount"].sum())\n'
            ),
            "assets/marts/of_eager.sql": "select amount, share from marts.eager\n",
        },
    )
    session.build()
    before = session.sql("from marts.of_eager").rows
    found = session.column_renaming("staging.orders", "amount", "usd")
    assert after(found)["assets/marts/code.py"] == [
        '    large = staging_orders.rename({"usd": "amount"}).filter(pl.col("amount") > 15)',
        '    return large.select(pl.all(), share=pl.col("amount") / '
        'staging_orders.rename({"usd": "amount"})["amount"].sum())',
    ]
    assert [one.key for one in found.kept] == ["marts.eager"]
    session.rename_column(found)
    result = {one.asset: one for one in session.build().assets}
    assert result["marts.eager"].action is Outcome.BUILT
    assert not result["marts.eager"].changed
    assert result["marts.of_eager"].action is Outcome.FRESH
    assert session.sql("from marts.of_eager").rows == before
    again = session.column_renaming("marts.eager", "share", "part")
    assert after(again)["assets/marts/code.py"][0].endswith('["amount"].sum()).rename({"share": "part"})')
    session.rename_column(again)
    result = {one.asset: one for one in session.build().assets}
    assert result["marts.eager"].action is Outcome.BUILT
    assert not result["marts.of_eager"].changed
    assert session.columns("marts.eager") == ("id", "amount", "part")


def test_a_join_by_the_name_goes_on_by_the_old_one_and_that_is_told(session: Session) -> None:
    """It does not break, and is not left to a person."""
    write(
        session.root,
        {
            "assets/marts/joined.sql": "select s.id\nfrom staging.orders s join raw.orders using (id, amount)\n"
        },
    )
    found = session.column_renaming("staging.orders", "amount", "usd")
    back = "(select * rename (usd as amount) from staging.orders)"
    assert after(found)["assets/marts/joined.sql"] == [f"from {back} s join raw.orders using (id, amount)"]
    assert [one.key for one in found.kept] == ["marts.joined"]
    assert "USING" in found.kept[0].why
    assert session.column_renaming("staging.orders", "amount", "one").kept[0].key == "marts.everything"


def test_lazy_polars_recipes_follow_too(session: Session) -> None:
    """Where they read the column, where they make it, and their readers where they pass it on; in a module that reads
    files when it is imported.
    """
    write(
        session.root,
        {
            ".settings": "15",
            "lib/limits/least.txt": "0",
            "assets/marts/code.py": (
                "from pathlib import Path\n\nimport polars as pl\n\nfrom upriver.assets import asset\n\n"
                "ROOT = Path(__file__).parents[2]\n"
                'LARGE = int((ROOT / ".settings").read_text()) + int((ROOT / "lib/limits/least.txt").read_text())\n\n\n'
                "@asset\n"
                "def large(staging_orders: pl.LazyFrame, kept: pl.LazyFrame) -> pl.LazyFrame:\n"
                '    """amount of staging.orders, not that of kept."""\n'
                '    known = kept.filter(pl.col("amount") > 0).select("id")\n'
                '    return staging_orders.filter(pl.col("amount") > LARGE).join(known, on="id")\n\n\n'
                "@asset\n"
                "def summed(large: pl.LazyFrame) -> pl.LazyFrame:\n"
                '    return large.group_by("id").agg(amount=pl.col("amount").sum())\n'
            ),
            "assets/marts/of_python.sql": "select amount from marts.summed\n",
        },
    )
    session.build()
    before = session.sql("select * from marts.of_python").rows
    found = session.column_renaming("staging.orders", "amount", "usd")
    assert after(found)["assets/marts/code.py"] == [
        '    return staging_orders.filter(pl.col("usd") > LARGE).join(known, on="id")',
        '    return large.group_by("id").agg(amount=pl.col("usd").sum())',
    ]
    assert set(found.follows) == {"marts.everything", "marts.large"}
    session.rename_column(found)
    result = {one.asset: one.action for one in session.build().assets}
    assert result["marts.summed"] is Outcome.BUILT
    assert result["marts.of_python"] is Outcome.FRESH
    assert session.sql("select * from marts.of_python").rows == before
    again = session.column_renaming("marts.summed", "amount", "total")
    assert after(again) == {
        "assets/marts/code.py": ['    return large.group_by("id").agg(total=pl.col("usd").sum())'],
        "assets/marts/of_python.sql": ["select total as amount from marts.summed"],
    }


def test_a_constant_that_others_use_otherwise_is_not_changed_for_one(session: Session) -> None:
    """Only the whole project tells: each recipe by itself could be rewritten."""
    write(
        session.root,
        {
            "assets/marts/code.py": (
                "import polars as pl\n\nfrom upriver.assets import asset\n\n"
                'COLUMNS = ["id", "amount"]\n\n\n'
                "@asset\n"
                "def one(staging_orders: pl.LazyFrame) -> pl.LazyFrame:\n    return staging_orders.select(COLUMNS)\n\n\n"
                "@asset\n"
                "def other(kept: pl.LazyFrame) -> pl.LazyFrame:\n    return kept.select(COLUMNS)\n"
            ),
        },
    )
    with pytest.raises(UsageError, match=r"marts\.other could not be bound(.|\n)*Nothing was changed"):
        session.column_renaming("staging.orders", "amount", "usd")


def test_nothing_is_believed_that_is_not_proven_on_a_copy_of_the_project(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What found the edits may be wrong: here it leaves one out. The project with them made tells."""
    rewritten = QueryColumns.rewritten

    def careless(self: QueryColumns) -> object:
        found = rewritten(self)
        return Rewritten((), found.passes) if isinstance(found, Rewritten) and not found.passes else found

    monkeypatch.setattr(QueryColumns, "rewritten", careless)
    with pytest.raises(UsageError, match=r"marts\.\w+ could not be bound(.|\n)*Nothing was changed"):
        session.column_renaming("staging.orders", "amount", "usd")


def test_a_project_that_has_changed_meanwhile_refuses_the_whole(session: Session) -> None:
    """A file that was to be written, and a new reader, which the preview did not know."""
    found = session.column_renaming("staging.orders", "amount", "usd")
    for name, text in (
        ("assets/marts/total.sql", "select sum(amount) + 1 as total from staging.orders\n"),
        ("assets/marts/another.sql", "select amount from staging.orders\n"),
    ):
        write(session.root, {name: text})
        before = texts(session.root)
        with pytest.raises(UsageError, match="edited meanwhile"):
            session.rename_column(found)
        assert texts(session.root) == before


def test_a_disk_that_refuses_leaves_everything_as_it_was(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = session.column_renaming("staging.orders", "amount", "usd")
    before = texts(session.root)
    replace, done = Path.replace, list[Path]()

    def refusing(self: Path, target: Path) -> Path:
        if ".renamed-" in self.name and len(done) == 2:
            raise OSError(28, "No space left on device", str(target))
        done.extend([self] if ".renamed-" in self.name else [])
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refusing)
    with pytest.raises(Exception, match="No space left on device"):
        session.rename_column(found)
    assert texts(session.root) == before


def test_it_is_found_and_written_by_another_process_too(session: Session) -> None:
    """As the terminal UI has it."""
    distant = SessionClient.open(session.root)
    try:
        found = distant.column_renaming("staging.orders", "amount", "usd")
        assert found == session.column_renaming("staging.orders", "amount", "usd")
        distant.rename_column(found)
        assert distant.columns("staging.orders") == ("id", "usd")
    finally:
        distant.close()


CHECKED = {
    "upriver.toml": "",
    "data/orders.csv": "id,amount\n1,10\n2,20\n",
    "assets/sources.py": 'from upriver.assets import source\n\norders = source("raw.orders", "data/orders.csv")\n',
    "assets/orders.sql": (
        "/* upriver:\ncolumns:\n  id: BIGINT\n  amount: {type: BIGINT, unique: true, description: in amount}\nchecks:\n"
        "  - unique: [id, amount]\n  - not_null: amount\n  - range: {column: amount, min: 0}\n"
        "  - expression: amount >= 0 and 'amount' <> ''\n  - row_count: {min: 1}\n*/\n"
        "select id, amount from raw.orders\n"
    ),
    "assets/all_of_it.sql": "/* upriver:\ncolumns: {'Amount': BIGINT}\n*/\nselect * from orders\n",
    "assets/kept.sql": (
        "/* upriver:\ncolumns: {amount: BIGINT}\nchecks: [{relationship: {column: amount, to: orders.amount}}]\n*/\n"
        "select amount from orders\n"
    ),
    "assets/python.py": (
        "import polars as pl\n\nfrom upriver.assets import asset\n\n\n"
        '@asset(columns={"amount": {"not_null": True}}, checks=[{"unique": ["amount", "id"]}, '
        '{"expression": "amount > 0"}, {"relationship": {"column": "id", "to": "orders.id"}}])\n'
        "def passed(orders: pl.LazyFrame) -> pl.LazyFrame:\n    return orders\n"
    ),
    "checks/small.sql": "/* upriver:\nof: orders\n*/\nselect id, amount from orders where amount > 1000\n",
    "checks/other.sql": "/* upriver:\nof: kept\n*/\nselect amount from kept where amount > 1000\n",
}


def test_checks_and_contracts_call_it_by_the_new_name(tmp_path: Path) -> None:
    """Of the asset and of those that pass it on, and where others look at it; texts and others' columns stay."""
    write(tmp_path, CHECKED)
    session = Session(tmp_path)
    try:
        assert session.build().status == "success"
        found = session.column_renaming("orders", "amount", "usd")
        session.rename_column(found)
        said = texts(tmp_path)
        assert said["assets/orders.sql"] == (
            "/* upriver:\ncolumns:\n  id: BIGINT\n  usd: {type: BIGINT, unique: true, description: in amount}\nchecks:\n"
            "  - unique: [id, usd]\n  - not_null: usd\n  - range: {column: usd, min: 0}\n"
            "  - expression: usd >= 0 and 'amount' <> ''\n  - row_count: {min: 1}\n*/\n"
            "select id, amount as usd from raw.orders\n"
        )
        assert "columns: {usd: BIGINT}" in said["assets/all_of_it.sql"]
        assert "columns: {amount: BIGINT}" in said["assets/kept.sql"]
        assert "{column: amount, to: orders.usd}" in said["assets/kept.sql"]
        assert 'columns={"usd": ' in said["assets/python.py"]
        assert '["usd", "id"]' in said["assets/python.py"]
        assert '"usd > 0"' in said["assets/python.py"]
        assert said["checks/small.sql"].endswith("select id, usd as amount from orders where usd > 1000\n")
        assert said["checks/other.sql"] == CHECKED["checks/other.sql"]
        assert session.build().status == "success"
        write(tmp_path, {"data/orders.csv": "id,amount\n1,10\n1,10\n"})
        (failed,) = [one for one in session.build().assets if one.action is Outcome.FAILED]
        assert failed.asset == "orders"
    finally:
        session.close()


def test_a_check_that_is_put_together_by_code_is_left_to_a_person(tmp_path: Path) -> None:
    built = CHECKED["assets/python.py"].replace(
        '{"amount": {"not_null": True}}', 'dict(amount={"not_null": True})'
    )
    built = built.replace("checks=[", "checks=[] and [")
    write(tmp_path, {**CHECKED, "assets/python.py": built})
    session = Session(tmp_path)
    try:
        session.build()
        with pytest.raises(UsageError, match="put together by code"):
            session.column_renaming("orders", "amount", "usd")
        assert texts(tmp_path)["assets/orders.sql"] == CHECKED["assets/orders.sql"]
    finally:
        session.close()
