"""A broken declaration breaks only itself: the rest of the project is derived as if nothing had happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from upriver.assets.errors import DeclarationError
from upriver.assets.model import Asset, Source
from upriver.lineage.project.derive import derive
from upriver.lineage.project.project import Project

MODULE = """
import polars as pl
from upriver.assets import asset, source

orders = source("raw.orders", "data/orders.csv")

@asset
def big(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders

@asset("marts.small")
def little(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders
"""


class Folder:
    """A project folder in which files are broken and mended."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("upriver.toml", '[project]\nname = "test"\n')
        self.write("assets/good.sql", "select 1 as x")
        self.write("assets/after_good.sql", "select x from good")

    def write(self, path: str, text: str | bytes) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return target

    def derive(self) -> Project:
        return derive(self.root, clock=lambda: time.time() + 60)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def codes(project: Project) -> dict[str, list[str]]:
    return {key: [one.code for one in broken.diagnoses] for key, broken in project.broken.items()}


def cut(folder: Folder) -> None:
    folder.write("assets/m.py", MODULE[: MODULE.index("orders\n\n@asset(")] + "(")


def raising(folder: Folder) -> None:
    folder.write("assets/m.py", MODULE + "\nraise RuntimeError('no')\n")


def no_text(folder: Folder) -> None:
    folder.write("assets/m.py", b"x = '\xff'\n")


def ending(folder: Folder) -> None:
    folder.write("assets/m.py", "import os\nos._exit(3)\n")


def importing_what_raises(folder: Folder) -> None:
    folder.write("lib/helper.py", "1 / 0\n")
    folder.write("assets/m.py", "import lib.helper\n" + MODULE)


def linked_away(folder: Folder) -> None:
    outside = folder.root.parent / f"{folder.root.name}-outside.py"
    outside.write_text(MODULE)
    (folder.root / "assets/m.py").unlink()
    (folder.root / "assets/m.py").symlink_to(outside)


WAYS = [cut, raising, no_text, ending, importing_what_raises, linked_away]


@pytest.mark.parametrize("way", WAYS)
def test_the_keys_of_a_python_module_that_can_not_be_read_are_those_of_its_last_readable_version(
    folder: Folder, way: Callable[[Folder], None]
) -> None:
    """They, and nothing else, are broken; what they were is known, and what reads them still reads them."""
    folder.write("assets/m.py", MODULE)
    folder.write("assets/reader.sql", "select * from marts.small")
    before = folder.derive()
    assert not before.broken
    way(folder)
    for _ in range(2):  # also when it is only remembered
        after = folder.derive()
        assert set(after.broken) == {"big", "marts.small", "raw.orders"}
        assert {key: type(one.declared) for key, one in after.broken.items()} == {
            "big": Asset, "marts.small": Asset, "raw.orders": Source,
        }  # fmt: skip
        assert len({str(one) for one in after.broken.values()}) == 1
        assert after.assets == {key: before.assets[key] for key in ("after_good", "good", "reader")}
        assert after.reads["reader"] == ("marts.small",)
        assert after.graph.upstreams("marts.small") == ("raw.orders",)
    (folder.root / "assets/m.py").unlink()
    folder.write("assets/m.py", MODULE)
    mended = folder.derive()
    assert (mended.assets, mended.sources, mended.fingerprints) == (
        before.assets, before.sources, before.fingerprints,
    )  # fmt: skip
    assert not mended.broken


@pytest.mark.parametrize("way", WAYS[:-1])
def test_a_module_that_was_never_readable_has_the_key_of_its_path(
    folder: Folder, way: Callable[[Folder], None]
) -> None:
    way(folder)
    project = folder.derive()
    assert set(project.broken) == {"m"}
    assert project.broken["m"].declared is None
    assert set(project.assets) == {"good", "after_good"}


def test_what_a_broken_module_may_declare_blocks_its_readers_instead_of_breaking_them(folder: Folder) -> None:
    folder.write("assets/m.py", MODULE + "\nraise RuntimeError('no')\n")
    folder.write("assets/reader.sql", "select * from marts.small")
    folder.write("assets/late.sql", "/* upriver:\nafter: [raw.orders]\n*/\nselect 1 as x")
    project = folder.derive()
    assert set(project.broken) == {"m"}
    assert project.reads["reader"] == ("m",)
    assert project.graph.upstreams("late") == ("m",)


def test_a_module_that_raises_breaks_those_that_import_it_and_no_others(folder: Folder) -> None:
    """With one and the same diagnosis."""
    folder.write("assets/m.py", MODULE)
    folder.write(
        "assets/n.py",
        "import polars as pl\nfrom upriver.assets import asset\nfrom assets.m import big\n\n"
        "@asset(inputs={'x': big})\ndef importer(x: pl.LazyFrame) -> pl.LazyFrame:\n    return x\n",
    )
    folder.write(
        "assets/late.py",
        "from upriver.assets import asset\n\n@asset\ndef later() -> bytes:\n"
        "    from assets.m import big\n    return repr(big).encode()\n",
    )
    folder.write(
        "assets/o.py", "from upriver.assets import asset\n@asset\ndef other() -> bytes:\n    return b''\n"
    )
    before = folder.derive()
    raising(folder)
    after = folder.derive()
    assert set(after.broken) == {"big", "marts.small", "raw.orders", "importer", "later"}
    assert after.broken["importer"].diagnoses == after.broken["big"].diagnoses
    assert after.broken["later"].place == after.broken["big"].place
    assert after.fingerprints["other"] == before.fingerprints["other"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("/* upriver:\ntags: [a\n*/\nselect 1 as x", "bad-header"),
        ("/* upriver:\nno_such: 1\n*/\nselect 1 as x", "unknown-option"),
        ("/* upriver:\nkey: my.key", "bad-header"),
        ("/* upriver:\nkey: my.key\n*/\nselec 1", "sql-syntax"),
        ("/* upriver:\nkey: my.key\n*/\n", "empty-sql"),
        (b"select '\xff'", "not-utf-8"),
    ],
)
def test_a_sql_module_that_can_not_be_read_keeps_its_key_and_its_upstream(
    folder: Folder, text: str | bytes, code: str
) -> None:
    folder.write("assets/a.sql", "/* upriver:\nkey: my.key\n*/\nselect x from good, 'data/y.csv'")
    folder.write("assets/reader.sql", "select * from my.key")
    before = folder.derive()
    folder.write("assets/a.sql", text)
    after = folder.derive()
    assert codes(after) == {"my.key": [code]}
    assert after.reads == before.reads
    assert after.sources == before.sources  # the file that it reads is no less there
    assert set(after.assets) == {"good", "after_good", "reader"}


def test_a_sql_module_that_was_never_readable_has_the_key_that_its_path_gives(folder: Folder) -> None:
    folder.write("assets/marts/a.sql", "/* upriver:\ntags: [a\n*/\nselect 1 as x")
    folder.write("assets/Marts/B.sql", "select 1 as x")
    assert codes(folder.derive()) == {"Marts.B": ["bad-key"], "marts.a": ["bad-header"]}


def test_the_key_of_a_path_is_never_that_of_another_declaration(folder: Folder) -> None:
    """Nothing that can be used is called broken for something beside it."""
    folder.write("assets/good.py", "1 / 0\n")
    project = folder.derive()
    assert set(project.broken) == {"assets/good.py"}
    assert "good" in project.assets


def test_an_asset_that_moved_to_another_module_is_not_kept_from_it_by_the_old_one(folder: Folder) -> None:
    folder.write("assets/m.py", MODULE)
    folder.derive()
    cut(folder)
    folder.write("assets/big.sql", "select 1 as x")
    project = folder.derive()
    assert set(project.broken) == {"marts.small", "raw.orders"}
    assert "big" in project.assets


def test_a_key_declared_twice_breaks_both_declarations(folder: Folder) -> None:
    folder.write("assets/other/good.sql", "/* upriver:\nkey: good\n*/\nselect 2 as x")
    project = folder.derive()
    assert codes(project) == {"good": ["duplicate-key"]}
    assert set(project.assets) == {"after_good"}
    assert project.reads["after_good"] == ("good",)


def test_what_is_wrong_with_one_declaration_breaks_no_other_of_its_module(folder: Folder) -> None:
    folder.write("assets/m.py", MODULE + "\n@asset(timeout='5 minits')\ndef third() -> bytes: ...\n")
    project = folder.derive()
    assert set(project.broken) == {"third"}
    assert {"big", "marts.small"} <= project.assets.keys()


def test_an_asset_whose_declaration_has_become_something_else_is_still_known(folder: Folder) -> None:
    folder.write("assets/m.py", MODULE)
    folder.derive()
    folder.write("assets/m.py", MODULE.replace("@asset\ndef big", "@asset\nclass big: pass\ndef not_big"))
    assert codes(folder.derive()) == {"big": ["not-a-function"]}


def test_names_that_mean_nothing_or_two_things_break_who_says_them(folder: Folder) -> None:
    folder.write("assets/lost.sql", "select * from nowhere")
    folder.write("assets/behind.sql", "select * from lost")
    folder.write("assets/itself.sql", "select * from itself")
    project = folder.derive()
    assert codes(project) == {"itself": ["cycle"], "lost": ["unknown-upstream"]}
    assert isinstance(project.broken["lost"].declared, Asset)
    assert project.reads["behind"] == ("lost",)


def test_a_circle_breaks_its_members_and_blocks_what_is_behind(folder: Folder) -> None:
    for name, reads in (("a", "c"), ("b", "a"), ("c", "b, good"), ("d", "c")):
        folder.write(f"assets/{name}.sql", f"select * from {reads}")
    project = folder.derive()
    assert codes(project) == {"a": ["cycle"], "b": ["cycle"], "c": ["cycle"]}
    assert project.reads["c"] == ("good",)
    assert project.reads["d"] == ("c",)


def test_what_a_broken_asset_read_before_closes_no_circle(folder: Folder) -> None:
    folder.write("assets/a.sql", "select x from good")
    folder.write("assets/b.sql", "select x from a")
    folder.derive()
    folder.write("assets/a.sql", "selec")
    folder.write("assets/good.sql", "select x from b")
    project = folder.derive()
    assert set(project.broken) == {"a"}
    assert project.graph.order.index("a") < project.graph.order.index("good")


def test_a_module_is_read_with_the_meaning_that_names_had_when_all_was_readable(folder: Folder) -> None:
    """`orders` meant two things; that one of them can't be read does not make it mean the other."""
    folder.write("assets/raw/orders.sql", "select 1 as x")
    folder.write("assets/staging/orders.sql", "select 1 as x")
    folder.derive()
    folder.write("assets/staging/orders.sql", "selec")
    folder.write(
        "assets/m.py",
        "import polars as pl\nfrom upriver.assets import asset\n@asset\n"
        "def big(orders: pl.LazyFrame) -> pl.LazyFrame:\n    return orders\n",
    )
    assert codes(folder.derive())["big"] == ["ambiguous-upstream"]


def test_each_of_several_modules_that_end_their_process_breaks_itself(folder: Folder) -> None:
    folder.write("assets/m.py", MODULE)
    folder.write("assets/o.py", "import assets.p\n")
    folder.write("assets/p.py", "import os\nos._exit(3)\n")
    folder.write("assets/q.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    project = folder.derive()
    assert set(project.broken) == {"o", "p", "q"}
    assert project.broken["o"].diagnoses[0].message == project.broken["p"].diagnoses[0].message
    assert {"big", "marts.small"} <= project.assets.keys()


def test_a_folder_that_can_not_be_looked_into_keeps_its_keys(folder: Folder) -> None:
    folder.write("assets/marts/a.sql", "select x from good")
    folder.write("assets/marts/m.py", MODULE)
    folder.derive()
    (folder.root / "assets/marts").rename(folder.root.parent / f"{folder.root.name}-marts")
    (folder.root / "assets/marts").symlink_to(folder.root.parent / f"{folder.root.name}-marts")
    project = folder.derive()
    assert set(project.broken) == {"marts.a", "marts.big", "marts.small", "raw.orders"}
    assert {one.code for broken in project.broken.values() for one in broken.diagnoses} == {"linked-folder"}


def test_a_file_that_can_not_be_read_is_broken_alone(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("assets/a.sql", "select 1 as x")
    read = Path.read_bytes

    def refusing(path: Path) -> bytes:
        if path.name == "a.sql":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    assert codes(folder.derive()) == {"a": ["unreadable"]}


def test_code_behind_a_link_out_of_the_project_gets_into_nothing(folder: Folder) -> None:
    """It is not watched, so what it holds could change unseen."""
    outside = folder.root.parent / f"{folder.root.name}-rates.py"
    outside.write_text("RATE = 1\n")
    folder.write("assets/m.py", "from rates import RATE\n" + MODULE)
    folder.write(
        "assets/n.py", MODULE.replace("raw.", "other.").replace("big", "n").replace("marts.small", "o")
    )
    (folder.root / "rates.py").symlink_to(outside)
    project = folder.derive()
    assert codes(project) == {"m": ["link-outside"]}
    assert {"n", "o"} <= project.assets.keys()


def test_another_program_that_left_a_manifest_still_tells_the_keys(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("assets/m.py", MODULE)
    folder.derive()
    monkeypatch.setattr("upriver.lineage.project.manifest.program", lambda: "another")
    monkeypatch.setattr("upriver.lineage.project.derive.program", lambda: "another")
    cut(folder)
    assert set(folder.derive().broken) == {"big", "marts.small", "raw.orders"}


def test_a_broken_configuration_stops_everything(folder: Folder) -> None:
    folder.write("upriver.toml", "[project\n")
    with pytest.raises(DeclarationError):
        _ = folder.derive().graph
