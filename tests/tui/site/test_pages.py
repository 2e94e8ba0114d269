"""The static pages: what they hold, what they never hold, and where they may be written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.fakes.session import FakeSession

from upriver.assets.errors import UsageError
from upriver.materializer.session import Session
from upriver.tui.cli.main import main
from upriver.tui.site.writer import MARK, PAGES, write_site


def index_of(folder: Path) -> dict[str, object]:
    text = (folder / "data/index.js").read_text()
    found = json.loads(text.removeprefix("upriver.index(").removesuffix(");\n"))
    assert isinstance(found, dict)
    return found


def everything(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A built project with a secret, a failure that tells a value, and an awkward description."""
    root = tmp_path / "shop"
    (root / "assets/marts").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "upriver.toml").write_text('[project]\nname = "shop"\n[secrets]\nTOKEN = "env"\n')
    (root / "data/orders.csv").write_text("id,amount\n1,4711.25\n2,3\n")
    (root / "assets/sources.py").write_text(
        "from upriver.assets import source\nsource('raw.orders', 'data/orders.csv')\n"
    )
    (root / "assets/marts/totals.sql").write_text(
        '/* upriver:\ndescription: "Sums </script><img src=x onerror=alert(1)>"\nowner: ann\n'
        "columns:\n  total: {type: DOUBLE, description: All of it}\n*/\n"
        "select sum(amount) as total from raw.orders\n"
    )
    (root / "assets/marts/fails.py").write_text(
        "from upriver.assets import asset\nimport polars as pl\n"
        "@asset\ndef fails(raw_orders: pl.DataFrame) -> pl.DataFrame:\n"
        "    raise ValueError(f'no such amount as {raw_orders[\"amount\"][0]}')\n"
    )
    return root


def test_the_pages_hold_what_is_known_of_every_asset_and_no_value_of_a_row(
    shop: Path, tmp_path: Path
) -> None:
    session = Session(shop)
    try:
        session.build()
        written = write_site(session, tmp_path / "site", now=0.0, version="1")
    finally:
        session.close()
    found = index_of(tmp_path / "site")
    states = {one[0]: one[3] for one in found["assets"]}  # type: ignore[attr-defined]
    assert states == {"raw.orders": "fresh", "marts.totals": "fresh", "marts.fails": "failed"}
    assert written.assets == 3
    text = everything(tmp_path / "site")
    assert "4711" not in text
    assert "All of it" in text
    assert "select sum(amount)" in text
    assert '"upstream"' not in text
    assert '["raw.orders",["amount"],["total"],"value"' in text


def test_a_page_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """Neither a script nor a font nor a picture; the rules of the page forbid it, too."""
    write_site(FakeSession(), tmp_path / "site", now=0.0, version="1")
    for page in PAGES:
        text = (tmp_path / "site" / page).read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//[a-z]+\.[a-z]", text), page
    assert "default-src 'none'" in (tmp_path / "site/index.html").read_text()


def test_code_is_left_out_when_it_is_not_wanted(tmp_path: Path) -> None:
    write_site(FakeSession(), tmp_path / "with", now=0.0, version="1")
    write_site(FakeSession(), tmp_path / "without", now=0.0, version="1", code=False)
    assert '"code":' in everything(tmp_path / "with")
    assert '"code":' not in everything(tmp_path / "without")


def test_earlier_pages_are_replaced_and_anything_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    write_site(FakeSession(), folder, now=0.0, version="1")
    (folder / "data/99.js").write_text("of an earlier time")
    write_site(FakeSession(), folder, now=0.0, version="1")
    assert not (folder / "data/99.js").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]

    other = tmp_path / "notes"
    other.mkdir()
    (other / "thesis.txt").write_text("years")
    with pytest.raises(UsageError, match="not empty"):
        write_site(FakeSession(), other, now=0.0, version="1")
    assert (other / "thesis.txt").read_text() == "years"
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(UsageError):
        write_site(FakeSession(), tmp_path / "link", now=0.0, version="1")
    assert (folder / MARK).exists()


def test_the_command_says_where_the_pages_are(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(shop), "export", "site", "out", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["assets"] == 3
    assert Path(answer["folder"]) == shop / "out"
    assert (shop / "out/index.html").is_file()
