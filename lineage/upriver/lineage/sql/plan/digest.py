"""A digest of a bound plan: resolved names, chosen types and functions, constants; nothing of how it was written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from upriver.assets.model import Key, Schema
from upriver.assets.support.json_trees import encode
from upriver.lineage.sql.plan.flow import Node
from upriver.lineage.sql.plan.prune import prune
from upriver.lineage.sql.plan.shape import Widths, plan_nodes

VERSION = "binding-1"
"""To be changed when the digest of the same plan changes."""

Called: TypeAlias = "Callable[[Key | None, str], str]"
"""What to call a column of an upstream, or (for None) of the output: another name than it has, for a comparison."""


_STRING = r'"(?:[^"\\]|\\.)*"'
# Quotes inside JSON strings are escaped, so none of these can match inside a constant of the query.
_AS_WRITTEN = re.compile(
    r'"query_location(?:_length)?":\d+,?'
    rf'|"(?:alias|ctename)":{_STRING},?'
    rf'|"(?:bound_columns|parameter_names)":\[(?:{_STRING},?)*\],?'
)
# Columns of an upstream that are not read; those that are come back in the list of scans.
_SCAN_COLUMNS = re.compile(
    r'"returned_types":\[.*?\],"names":\[.*?\],(?="projection_ids":)|"column_indexes":\[.*?\],(?="extra_info":)'
)
_TABLES = frozenset(
    f"{name}_index"
    for name in ("table", "cte", "group", "aggregate", "groupings", "mark", "window", "unnest", "pivot")
)
"""What holds the number of a table."""
_INDEX_NAMES = re.compile(r'"(\w+_index)":\d')
_INDEX = re.compile(r'("\w+_index":)(\d+)')
# References that are no positions in the output of the node below.
_OTHER_REFERENCES = re.compile('"expression_class":"BOUND_(?:COLUMN_REF|LAMBDA)')
# What a function in FROM calls its arguments, where its result does not know them by name.
_ARGUMENT_NAMES = re.compile(
    r'("path":\["system","main","(?:unnest|range|generate_series|json_each|json_tree)"\].*?"input_table_names":)'
    rf"\[(?:{_STRING},?)*\]"
)


def binding_digests(
    plan_text: str,
    root: Node,
    widths: Widths,
    key_of: Mapping[tuple[str, str], Key],
    schema: Schema,
    literals: list[str],
    called: Called | None = None,
) -> tuple[str, str | None]:
    """128 bits in hex for a plan; and for it without the columns that nothing reads, which are taken out of *root*.

    *literals* are those of the text, in case a function hides one in the plan. With *called* for a comparison with a
    digest that was made so, too. DuckDB numbers tables by how many columns came before, so for the second digest they
    are numbered anew; None where the plan has references or numbers of tables that are not known.
    """
    beside = [[_named(called, None, column.name), *column.facts[1:]] for column in schema], literals
    plan = _stripped(plan_text, called)
    whole = _digest(plan, list(_scans(root, key_of, called)), *beside)
    if _OTHER_REFERENCES.search(plan) or not _TABLES.issuperset(_INDEX_NAMES.findall(plan)):
        return whole, None
    if prune(root, widths):
        plan = _stripped(encode({"error": False, "plans": [root]}), called)
    numbers: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return found[1] + numbers.setdefault(found[2], str(len(numbers)))

    return whole, _digest(_INDEX.sub(numbered, plan), list(_scans(root, key_of, called)), *beside)


def _stripped(plan_text: str, called: Called | None) -> str:
    """The text of a plan without what says nothing of its meaning, or is said by the list of scans."""
    plan = _AS_WRITTEN.sub("", _SCAN_COLUMNS.sub("", plan_text))
    return plan if called is None else _ARGUMENT_NAMES.sub(r"\1[]", plan)


def _digest(plan: str, scans: list[Any], outputs: list[Any], literals: list[str]) -> str:
    digest = hashlib.blake2b(f"{VERSION}\n".encode(), digest_size=16)
    digest.update(encode([scans, outputs, literals]).encode())
    digest.update(plan.encode())
    return digest.hexdigest()


def _named(called: Called | None, key: Key | None, name: str) -> str:
    return name if called is None else called(key, name)


def _scans(root: Node, key_of: Mapping[tuple[str, str], Key], called: Called | None) -> Iterator[list[Any]]:
    """What each scan reads, in the order of the plan."""
    for node in plan_nodes(root):
        if node["type"] != "LOGICAL_GET":
            continue
        indexes = [column["index"] for column in node["column_indexes"]]
        data = node.get("function_data") or {}
        key = key_of.get((data.get("schema", ""), data.get("table", "")))
        if key is None:
            yield [node["qname"]["path"], node["names"], indexes]
        else:
            known = len(node["names"])
            columns = [
                [_named(called, key, node["names"][i]), node["returned_types"][i]] if i < known else []
                for i in indexes
            ]
            yield [key, columns]
