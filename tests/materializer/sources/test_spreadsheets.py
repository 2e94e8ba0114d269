"""Spreadsheets as sources: typed by their cells, and refused at the cell where a column has two types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.heavy import reason

from upriver.assets.declare.locations import read_location
from upriver.assets.errors import UpriverError
from upriver.assets.model import Place, Source
from upriver.materializer.sources.reading import SourceReader
from upriver.materializer.sources.registry import connector_of

pytest.importorskip("python_calamine", reason=reason("excel"))
pytest.importorskip("openpyxl", reason=reason("excel"))

import openpyxl
import xlsxwriter
from odf import table as ods
from odf.opendocument import OpenDocumentSpreadsheet
from odf.text import P

pytestmark = pytest.mark.excel
Cells = Sequence[Sequence[object]]
PRICES: Cells = [
    ["id", "day", "at", "sold", "name"],
    [1, dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 3, 4, 5), True, "Gala"],
    [None, None, None, None, None],
    [2.5, dt.date(2024, 2, 29), dt.datetime(2024, 2, 29), False, None],
]
READ = [
    (1.0, dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 3, 4, 5), True, "Gala"),
    (2.5, dt.date(2024, 2, 29), dt.datetime(2024, 2, 29), False, None),
]


def by_openpyxl(path: Path, cells: Cells, sheet: str = "Sheet1", left: int = 0, above: int = 0) -> None:
    """Write *cells* with one library."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for r, row in enumerate(cells, 1 + above):
        for c, value in enumerate(row, 1 + left):
            page.cell(r, c, value)
    book.save(path)


def by_xlsxwriter(path: Path, cells: Cells) -> None:
    """Write *cells* with another."""
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet()
    day, moment = (
        book.add_format({"num_format": "yyyy-mm-dd"}),
        book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
    )
    for r, row in enumerate(cells):
        for c, value in enumerate(row):
            if isinstance(value, dt.datetime):
                page.write_datetime(r, c, value, moment)
            elif isinstance(value, dt.date):
                page.write_datetime(r, c, value, day)
            elif value is not None:
                page.write(r, c, value)
    book.close()


def read(path: Path, **options: object) -> list[tuple[object, ...]]:
    """The rows of a source of the spreadsheet at *path*."""
    location, problems = read_location(path.name, options=options)
    assert location is not None, problems
    connector = connector_of(path.parent, Source("raw.prices", location, Place("s.py")), SourceReader())
    target = path.with_suffix(".parquet")
    scanned = connector.scan(connector.observe(), target, None)
    assert connector.schema(None) == scanned.schema
    with SourceReader().cursor() as cursor:
        return cursor.execute(f"from '{target}'").fetchall()


@pytest.mark.parametrize("write", [by_openpyxl, by_xlsxwriter])
def test_a_sheet_is_a_table_whoever_wrote_it(write: object, tmp_path: Path) -> None:
    """Empty rows are left out, numbers are what a spreadsheet keeps."""
    assert callable(write)
    write(tmp_path / "a.xlsx", PRICES)
    assert read(tmp_path / "a.xlsx") == READ


def test_an_open_document_is_a_table(tmp_path: Path) -> None:
    book, page = OpenDocumentSpreadsheet(), ods.Table(name="Prices")
    for row in (["id", "name"], [1, "Gala"], [2, "Boskoop"]):
        line = ods.TableRow()
        for value in row:
            given = (
                {"valuetype": "float", "value": value} if isinstance(value, int) else {"valuetype": "string"}
            )
            cell = ods.TableCell(**given)
            cell.addElement(P(text=str(value)))
            line.addElement(cell)
        page.addElement(line)
    book.spreadsheet.addElement(page)
    book.save(str(tmp_path / "a.ods"))
    assert read(tmp_path / "a.ods", sheet="Prices") == [(1.0, "Gala"), (2.0, "Boskoop")]


def test_a_range_and_a_row_of_names_are_declared(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    by_openpyxl(path, [["a title"], ["n", "m", "x"], [1, 2, 3], [4, 5, 6]], left=1, above=1)
    assert read(path, range="B3:C4") == [(1.0, 2.0)]
    assert read(path, range="B3:C") == [(1.0, 2.0), (4.0, 5.0)]
    assert read(path, range="B1", header=3) == [(1.0, 2.0, 3.0), (4.0, 5.0, 6.0)]


WRONG: dict[str, tuple[Cells, dict[str, object], str]] = {
    "a text among numbers": (
        [["n", "x"], [1, 1], [2, "n/a"]],
        {},
        "B3 in the column 'x' holds a text ('n/a')",
    ),
    "a date among numbers": ([["x"], [1], [dt.date(2024, 1, 1)]], {}, "A3 in the column 'x' holds a date"),
    "no name": ([["n", None], [1, 2]], {}, "B1 is empty"),
    "one name twice": ([["n", "n"], [1, 2]], {}, "two columns are called 'n' (B1)"),
    "no such sheet": ([["n"], [1]], {"sheet": "Sheet2"}, "has no sheet 'Sheet2'; did you mean 'Sheet1'?"),
    "nothing": ([], {"header": 9}, "has no row 9"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_table_is_told_with_the_cell(case: str, tmp_path: Path) -> None:
    cells, options, told = WRONG[case]
    by_openpyxl(tmp_path / "a.xlsx", cells)
    with pytest.raises(UpriverError) as caught:
        read(tmp_path / "a.xlsx", **options)
    assert told in str(caught.value)


def test_several_files_are_one_table_when_their_columns_agree(tmp_path: Path) -> None:
    """A date in one and a moment in another are moments; a text for a number is not."""
    by_openpyxl(tmp_path / "a.xlsx", [["x", "y"], [dt.date(2024, 1, 1), None]])
    by_openpyxl(tmp_path / "b.xlsx", [["x", "y"], [dt.datetime(2024, 1, 1, 12), 1]])
    location, _ = read_location("*.xlsx")
    assert location is not None
    connector = connector_of(tmp_path, Source("raw.x", location, Place("s.py")))
    assert [column.type for column in connector.schema(None)] == ["TIMESTAMP", "DOUBLE"]
    by_openpyxl(tmp_path / "c.xlsx", [["x", "y"], [dt.date(2024, 1, 1), "one"]])
    with pytest.raises(UpriverError, match="different types"):
        connector.schema(None)
