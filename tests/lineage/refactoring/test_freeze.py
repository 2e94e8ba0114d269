"""Frozen contracts: whatever a declaration looked like, it promises the columns afterwards, and all else as before."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest

from upriver.assets.errors import UsageError
from upriver.assets.loading.sql_module import parse_sql_module
from upriver.assets.model import Asset, Column, Frame, Kind, Place, PythonRecipe
from upriver.lineage.refactoring.freeze import Freezing, freeze

SCHEMA = (
    Column("id", "BIGINT"),
    Column("price", "DECIMAL(18,2)"),
    Column("no", "VARCHAR"),
    Column("Ort, Land", "STRUCT(\"a b\" INTEGER, c VARCHAR[])"),
)  # fmt: skip

HEADERS = {
    "none": "",
    "after comments": "-- who reads this\n\n",
    "other options": "/* upriver:\ndescription: |\n  Two\n  lines.\ntags: [x]\n*/\n",
    "on one line": "/* upriver: {tags: [x], owner: me} */\n",
    "one option on a line": "/* upriver: owner: me */\n",
    "indented": "/* upriver:\n  tags: [x]\n  # a comment\n*/\n",
    "empty": "/* upriver:\n*/\n",
    "some columns": "/* upriver:\ncolumns:\n  ID: {not_null: true}  # the key\n  price: DOUBLE\ntags: [x]\n*/\n",
    "a right type": "/* upriver:\ncolumns:\n  id: {type: int8, description: One}\n  price: numeric(18, 2)\n*/\n",
    "blocks": "/* upriver:\ncolumns:\n  id:\n    unique: true\n    not_null: true\n  price:\n  'no':\n    type: INTEGER\nowner: me\n*/\n",
    "in brackets": "/* upriver:\ncolumns: {id: {unique: true}, price: {}}\n*/\n",
    "carriage returns": "/* upriver:\r\ncolumns:\r\n  id: {unique: true}\r\ntags: [x]\r\n*/\r\n",
    "an open contract": "/* upriver:\ncontract: open\ntags: [x]\n*/\n",
}


def frozen(root: Path, text: str, *, closed: bool) -> tuple[Asset, Asset, Freezing]:
    """The asset before and after."""
    (root / "assets").mkdir(exist_ok=True)
    (root / "assets" / "a.sql").write_bytes(text.encode())
    before = parse_sql_module("assets/a.sql", text)
    assert isinstance(before, Asset), before
    found = freeze(root, before, SCHEMA, closed=closed)
    after = parse_sql_module("assets/a.sql", found.file.content.decode())
    assert isinstance(after, Asset), (found.file.content.decode(), after)
    return before, after, found


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("name", HEADERS)
def test_a_header_promises_the_columns_and_all_else_as_before(
    tmp_path: Path, name: str, closed: bool
) -> None:
    """Once it does, there is nothing left to be written."""
    before, after, found = frozen(tmp_path, HEADERS[name] + "select 1 as id\n", closed=closed)
    promised = {one.name.lower(): one.type for one in after.quality.columns}
    assert set(promised) == {one.name.lower() for one in SCHEMA}
    again, _, _ = frozen(tmp_path, found.file.content.decode(), closed=closed)
    assert after.quality.closed is closed
    for one in SCHEMA:
        type = promised[one.name.lower()]
        assert type == one.type or name == "a right type"
    assert [(c.rule, c.severity) for c in after.quality.checks] == [
        (c.rule, c.severity) for c in before.quality.checks
    ]
    described = {one.name.lower(): one.description for one in before.quality.columns}
    assert {
        k: v
        for one in after.quality.columns
        if (k := one.name.lower()) in described
        for v in [one.description]
    } == described

    def rest(asset: Asset) -> object:
        recipe = msgspec.structs.replace(asset.recipe, line=1)
        return msgspec.structs.replace(asset, quality=before.quality, recipe=recipe)

    assert rest(after) == rest(before)
    assert not freeze(tmp_path, again, SCHEMA, closed=closed).diff


PYTHON = {
    "bare": "@asset\n",
    "called": "@asset()\n",
    "options": '@asset(tags=["x"])\n',
    "a comma": '@asset(\n    tags=["x"],\n)\n',
    "some columns": '@asset(columns={"ID": {"unique": True}, "price": "DOUBLE"}, contract="open")\n',
    "through the module": "@assets.asset(tags=['é'])\n",
}


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("name", PYTHON)
def test_a_decorator_promises_the_columns_and_all_else_as_before(
    tmp_path: Path, name: str, closed: bool
) -> None:
    text = f"from upriver.assets import asset\n\n{PYTHON[name]}def p():\n    return 1  # ü\n"
    (tmp_path / "p.py").write_text(text)
    recipe = PythonRecipe("p", "p", (), Frame.ANY)
    found = freeze(tmp_path, Asset("p", Kind.TABLE, recipe, Place("p.py", 3)), SCHEMA, closed=closed)
    after = found.file.content.decode()
    (function,) = [node for node in ast.parse(after).body if isinstance(node, ast.FunctionDef)]
    (call,) = function.decorator_list
    assert isinstance(call, ast.Call)
    given = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
    types = {
        name.lower(): one if isinstance(one, str) else one["type"] for name, one in given["columns"].items()
    }
    assert types == {one.name.lower(): one.type for one in SCHEMA}
    assert (given.get("contract") == "closed") is closed
    assert ("tags" in given) is ("tags" in PYTHON[name])
    assert after.endswith("def p():\n    return 1  # ü\n")


@pytest.mark.parametrize(
    "decorator", ["@asset(columns=COLUMNS)", "@asset(columns={**MORE, 'id': {}})", "@made"]
)
def test_what_is_computed_is_left_to_a_person(tmp_path: Path, decorator: str) -> None:
    (tmp_path / "p.py").write_text(f"{decorator}\ndef p():\n    return 1\n")
    recipe = PythonRecipe("p", "p", (), Frame.ANY)
    with pytest.raises(UsageError, match="can't be written by itself"):
        freeze(tmp_path, Asset("p", Kind.TABLE, recipe, Place("p.py", 1)), SCHEMA, closed=False)
