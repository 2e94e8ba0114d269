"""Another key for an asset: every place that names it is rewritten, all files or none, and the project is the same."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from upriver.assets.errors import DeclarationError, UsageError
from upriver.lineage.refactoring.rename.values import LineChange, Renaming
from upriver.materializer.model import Outcome, State
from upriver.materializer.session import Session
from upriver.materializer.session.remote.session_client import SessionClient

PROJECT = {
    "upriver.toml": "",
    "data/orders.csv": "id,amount\n1,10\n2,20\n",
    "assets/sources.py": (
        'from upriver.assets import source\n\norders = source("raw.orders", "data/orders.csv", tags=["raw"])\n'
    ),
    "assets/staging/orders.sql": "select id, amount from raw.orders\n",
    "assets/marts/total.sql": "select sum(orders.amount) as total from staging.orders -- of staging.orders\n",
    "assets/marts/twice.sql": (
        "select a.id, b.amount, staging.orders.id as c\n"
        "from staging.orders join STAGING.Orders a using (id) join staging.orders as b using (id)\n"
    ),
    "assets/marts/below.sql": "select total + 1 as more from marts.total\n",
    "assets/checks/late.sql": "/* upriver:\nafter: [marts.total, 'staging.orders'] */ select 1 as one\n",
    "assets/marts/python.py": (
        "import polars as pl\n\nfrom upriver.assets import asset\n\n\n"
        "@asset\n"
        "def by_name(staging_orders: pl.LazyFrame) -> pl.LazyFrame:\n"
        "    return staging_orders\n\n\n"
        '@asset(tags=["größe"], inputs={"o": "staging.orders"},)\n'
        "def by_key(o: pl.LazyFrame, total: pl.LazyFrame) -> pl.LazyFrame:\n"
        "    return o\n"
    ),
    "notes.md": "What staging.orders holds. Not xstaging.orders or staging.orders_old.\n",
}


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def texts(root: Path) -> dict[str, str]:
    """Every file of the project, without what Upriver keeps for itself."""
    found = (path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in found
        if ".upriver" not in path.parts and "__pycache__" not in path.parts
    }


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    write(tmp_path, PROJECT)
    session = Session(tmp_path)
    yield session
    session.close()


def lines(found: Renaming) -> dict[str, list[LineChange]]:
    return {file.path: list(file.lines) for file in found.files}


def test_the_preview_names_every_file_and_line_and_writes_nothing(session: Session) -> None:
    """SQL with its aliases and qualifiers, headers, both kinds of Python inputs, and the move of its own file."""
    before = texts(session.root)
    found = session.renaming("staging.orders", "core.sales")
    assert texts(session.root) == before
    assert lines(found) == {
        "assets/checks/late.sql": [
            LineChange(2, "after: [marts.total, 'staging.orders'] */ select 1 as one", "after: [marts.total, core.sales] */ select 1 as one")
        ],
        "assets/marts/python.py": [
            LineChange(6, "@asset", '@asset(inputs={"staging_orders": "core.sales"})'),
            LineChange(11, '@asset(tags=["größe"], inputs={"o": "staging.orders"},)', '@asset(tags=["größe"], inputs={"o": "core.sales"},)'),
        ],
        "assets/marts/total.sql": [
            LineChange(
                1,
                "select sum(orders.amount) as total from staging.orders -- of staging.orders",
                "select sum(orders.amount) as total from core.sales as orders -- of staging.orders",
            )
        ],
        "assets/marts/twice.sql": [
            LineChange(1, "select a.id, b.amount, staging.orders.id as c", "select a.id, b.amount, core.sales.id as c"),
            LineChange(
                2,
                "from staging.orders join STAGING.Orders a using (id) join staging.orders as b using (id)",
                "from core.sales join core.sales a using (id) join core.sales as b using (id)",
            ),
        ],
        "assets/staging/orders.sql": [],
    }  # fmt: skip
    moved = next(file for file in found.files if file.path != file.becomes)
    assert moved.becomes == "assets/core/sales.sql"
    assert found.edits == 9
    assert set(found.rebuilt) == {
        "core.sales",
        "marts.total",
        "marts.twice",
        "marts.by_name",
        "marts.by_key",
    }
    assert [str(place) for place in found.mentions] == ["assets/marts/total.sql:1:68", "notes.md:1:6"]


def test_after_it_the_project_is_the_same_under_the_new_name(session: Session) -> None:
    """It is built again where recipes name it, to the same contents, and nothing below that."""
    session.build()
    before = {
        key: session.sql(f"from {key}").rows for key in ("marts.total", "marts.twice", "staging.orders")
    }
    session.rename(session.renaming("staging.orders", "core.sales"))
    assert not (session.root / "assets" / "staging" / "orders.sql").exists()
    result = session.build()
    ended = {one.asset: one.action for one in result.assets}
    assert ended["core.sales"] is ended["marts.total"] is Outcome.BUILT
    assert ended["marts.below"] is Outcome.FRESH
    after = {key: session.sql(f"from {key}").rows for key in ("marts.total", "marts.twice", "core.sales")}
    assert list(before.values()) == list(after.values())
    assert {one.state for one in session.status()} == {State.FRESH}
    session.rename(session.renaming("core.sales", "staging.orders"))
    assert "by_name(staging_orders" in texts(session.root)["assets/marts/python.py"]
    assert not session.diagnoses()


def test_a_source_has_its_key_rewritten_where_it_is_declared(session: Session) -> None:
    found = session.renaming("raw.orders", "landing.orders")
    assert lines(found) == {
        "assets/sources.py": [
            LineChange(
                3,
                'orders = source("raw.orders", "data/orders.csv", tags=["raw"])',
                'orders = source("landing.orders", "data/orders.csv", tags=["raw"])',
            )
        ],
        "assets/staging/orders.sql": [
            LineChange(1, "select id, amount from raw.orders", "select id, amount from landing.orders")
        ],
    }
    session.rename(found)
    assert "landing.orders" in set(session.keys())


def test_a_python_asset_stays_where_it_is_and_gets_a_key(session: Session) -> None:
    """Functions are not renamed: others may call them."""
    found = session.renaming("marts.by_key", "marts.chosen")
    assert lines(found) == {
        "assets/marts/python.py": [
            LineChange(
                11,
                '@asset(tags=["größe"], inputs={"o": "staging.orders"},)',
                '@asset("marts.chosen", tags=["größe"], inputs={"o": "staging.orders"},)',
            )
        ]
    }
    session.rename(found)
    assert "marts.chosen" in set(session.keys())
    again = session.renaming("marts.chosen", "marts.by_key")
    assert [line.after for line in again.files[0].lines] == [
        '@asset("marts.by_key", tags=["größe"], inputs={"o": "staging.orders"},)'
    ]


def test_a_parameter_keeps_its_meaning_when_a_name_comes_near_it(session: Session) -> None:
    """``total`` would mean two things; it is told which."""
    found = session.renaming("marts.below", "staging.total")
    assert [line.after for line in lines(found)["assets/marts/python.py"]] == [
        '@asset(tags=["größe"], inputs={"total": "marts.total", "o": "staging.orders"},)'
    ]
    session.rename(found)
    assert not session.diagnoses()


def test_a_name_that_is_a_word_of_sql_is_quoted(session: Session) -> None:
    session.rename(session.renaming("staging.orders", "select"))
    text = texts(session.root)["assets/marts/twice.sql"]
    assert 'from "select" as orders join "select" a using (id) join "select" as b' in text
    assert not session.diagnoses()


def test_a_key_in_a_header_is_rewritten_there(session: Session) -> None:
    write(session.root, {"assets/x/odd.sql": "-- first\n/* upriver:\nkey: odd.one\n*/\nselect 1 as a\n"})
    found = session.renaming("odd.one", "odd.two")
    assert lines(found) == {"assets/x/odd.sql": [LineChange(3, "key: odd.one", "key: odd.two")]}
    assert found.files[0].becomes == "assets/x/odd.sql"


def test_other_dialects_and_line_ends_are_kept(session: Session) -> None:
    """A query that is translated is rewritten in the user's own words."""
    text = "/* upriver:\r\ndialect: bigquery\r\n*/\r\nselect `id` from `staging`.`orders`\r\n"
    (session.root / "assets" / "marts" / "big.sql").write_bytes(text.encode())
    session.rename(session.renaming("staging.orders", "core.sales"))
    written = (session.root / "assets" / "marts" / "big.sql").read_bytes().decode()
    assert written == text.replace("`staging`.`orders`", "core.sales")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("staging.order", "x", "did you mean 'staging.orders'"),
        ("staging.orders", "marts.total", "there is marts.total already"),
        ("staging.orders", "Core.Sales", "can't be a key"),
        ("staging.orders", "staging.orders", "called that already"),
        ("staging.orders", "information_schema.x", "of DuckDB's own"),
    ],
)  # fmt: skip
def test_names_that_do_not_do_are_refused(session: Session, old: str, new: str, says: str) -> None:
    before = texts(session.root)
    with pytest.raises(UsageError, match=says):
        session.rename(session.renaming(old, new))
    assert texts(session.root) == before
    assert not session.diagnoses()


def test_what_only_a_person_can_change_is_listed_with_its_place(session: Session) -> None:
    write(
        session.root,
        {
            "assets/loop.py": (
                "import polars as pl\n\nfrom upriver.assets import asset\n\nROOM = 'staging'\n\n\n"
                "@asset(inputs=dict(o=ROOM + '.orders'))\n"
                "def looped(o: pl.LazyFrame) -> pl.LazyFrame:\n    return o\n"
            ),
            "assets/taken.sql": "with sales as (select 1 as id) select * from sales join staging.orders using (id)\n",
        },
    )
    before = texts(session.root)
    with pytest.raises(UsageError) as refused:
        session.renaming("staging.orders", "sales")
    assert "assets/loop.py:8: its inputs are put together by code" in str(refused.value)
    assert "assets/taken.sql:1:57: the query can't be rewritten" in str(refused.value)
    assert texts(session.root) == before


def test_a_file_that_was_edited_meanwhile_refuses_the_whole(session: Session) -> None:
    found = session.renaming("staging.orders", "core.sales")
    write(session.root, {"assets/marts/total.sql": "select count(*) as total from staging.orders\n"})
    before = texts(session.root)
    with pytest.raises(UsageError, match=r"total\.sql was edited meanwhile"):
        session.rename(found)
    assert texts(session.root) == before


def test_a_disk_that_refuses_leaves_everything_as_it_was(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third file can't be put in its place; the first two are put back, the new folder is gone."""
    found = session.renaming("staging.orders", "core.sales")
    before = texts(session.root)
    replace, done = Path.replace, list[Path]()

    def refusing(self: Path, target: Path) -> Path:
        if ".renamed-" in self.name and len(done) == 4:
            raise OSError(28, "No space left on device", str(target))
        done.append(self)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refusing)
    with pytest.raises(Exception, match="No space left on device"):
        session.rename(found)
    assert texts(session.root) == before
    assert not (session.root / "assets" / "core").exists()
    assert os.access(session.root / "assets" / "marts" / "total.sql", os.R_OK)


def test_it_is_found_and_written_by_another_process_too(session: Session) -> None:
    """As the terminal UI has it."""
    distant = SessionClient.open(session.root)
    try:
        found = distant.renaming("staging.orders", "core.sales")
        assert found == session.renaming("staging.orders", "core.sales")
        distant.rename(found)
        assert "core.sales" in set(distant.keys())
    finally:
        distant.close()


def test_what_is_broken_elsewhere_is_in_no_way_of_a_rename(session: Session) -> None:
    write(session.root, {"assets/broken.sql": "selec from nothing"})
    session.rename(session.renaming("staging.orders", "core.sales"))
    assert {"core.sales", "broken"} <= set(session.keys())


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"assets/broken.sql": "selec * from staging.orders"}, "while broken is broken: it may read"),
        ({"assets/broken.py": "staging_orders = (\n"}, "while broken is broken: it may read"),
        ({"assets/staging/orders.sql": "selec"}, "can't be renamed before its declaration is mended"),
        ({"assets/core/sales.sql": "selec"}, "there is core.sales already"),
    ],
)
def test_a_rename_is_refused_where_something_broken_may_have_to_do_with_it(
    session: Session, files: dict[str, str], says: str
) -> None:
    """Nobody can see what it would mean afterwards; and what is broken exists."""
    write(session.root, files)
    with pytest.raises(UsageError, match=says):
        session.renaming("staging.orders", "core.sales")


def test_a_broken_configuration_refuses_every_rename(session: Session) -> None:
    write(session.root, {"upriver.toml": "[project"})
    with pytest.raises(DeclarationError):
        session.renaming("staging.orders", "core.sales")


CHECKED = {
    "upriver.toml": "",
    "data/orders.csv": "id,amount\n1,10\n2,20\n",
    "data/other.csv": "id\n1\n2\n",
    "assets/sources.py": (
        "from upriver.assets import source\n\nsource('raw.orders', 'data/orders.csv')\nsource('raw.other', 'data/other.csv')\n"
    ),
    "assets/orders.sql": "select id, amount from raw.orders\n",
    "assets/lines.sql": (
        "/* upriver:\ncolumns:\n  id: {type: BIGINT, relationship: orders.id}\nchecks:\n"
        "  - relationship: {column: id, to: 'orders.amount'}\n    name: few\n    at_most: 9\n"
        "  - relationship: {column: id, to: raw.other.id}\n    name: other\n*/\nselect id from raw.other\n"
    ),
    "assets/python.py": (
        "import polars as pl\n\nfrom upriver.assets import asset\n\n\n"
        '@asset(inputs={"o": "raw.other"}, checks=[{"relationship": {"column": "id", "to": "orders.id"}}])\n'
        "def bare(o: pl.LazyFrame) -> pl.LazyFrame:\n    return o\n"
    ),
    "checks/known.sql": "/* upriver:\nof: lines\n*/\nselect * from lines where id not in (select id from orders)\n",
    "checks/of.sql": "/* upriver:\nof: orders\n*/\nselect * from orders where amount < 0\n",
}


def test_checks_that_look_at_it_name_it_otherwise(tmp_path: Path) -> None:
    """In headers, in @asset and below checks/: the next build runs them as before."""
    write(tmp_path, CHECKED)
    session = Session(tmp_path)
    try:
        assert session.build().status == "success"
        session.rename(session.renaming("orders", "core.sales"))
        said = texts(tmp_path)
        assert "relationship: core.sales.id}" in said["assets/lines.sql"]
        assert "to: core.sales.amount}\n    name: few" in said["assets/lines.sql"]
        assert '"to": "core.sales.id"' in said["assets/python.py"]
        assert said["checks/known.sql"].endswith("(select id from core.sales)\n")
        assert (
            said["checks/of.sql"]
            == "/* upriver:\nof: core.sales\n*/\nselect * from core.sales where amount < 0\n"
        )
        assert session.build().status == "success"
        assert {one.asset: one.state for one in session.status()}.keys() >= {"core.sales", "lines", "bare"}
        assert all(one.state is State.FRESH for one in session.status() if one.kind != "source")
        write(tmp_path, {"data/other.csv": "id\n1\n7\n"})
        assert {one.asset for one in session.build().assets if one.action is Outcome.FAILED} == {
            "lines",
            "bare",
        }
    finally:
        session.close()


def test_the_shape_that_is_kept_of_a_text_source_goes_with_it(tmp_path: Path) -> None:
    """What no longer fits it is no more taken under the new name than under the old one."""
    write(tmp_path, CHECKED)
    session = Session(tmp_path)
    try:
        session.build()
        before = (tmp_path / "sources.lock").read_text()
        found = session.renaming("raw.orders", "zoo.orders")
        assert [file.path for file in found.files if file.path == "sources.lock"]
        assert (tmp_path / "sources.lock").read_text() == before
        session.rename(found)
        after = (tmp_path / "sources.lock").read_text()
        assert '"raw.orders"' not in after
        assert after.index('"raw.other"') < after.index('"zoo.orders"')
        assert sorted(after.splitlines()) == sorted(before.replace("raw.orders", "zoo.orders").splitlines())
        session.build()
        assert (tmp_path / "sources.lock").read_text() == after
        write(tmp_path, {"data/orders.csv": "id,amount\n1,10\n2,twenty\n"})
        (source,) = session.status(["zoo.orders"])
        assert source.state is State.BROKEN
    finally:
        session.close()
