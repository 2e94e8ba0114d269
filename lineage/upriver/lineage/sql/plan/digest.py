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


def binding_digest(
    plan_text: str,
    root: Node,
    key_of: Mapping[tuple[str, str], Key],
    schema: Schema,
    literals: list[str],
    called: Called | None = None,
) -> str:
    """128 bits in hex for a plan. *literals* are those of the text, in case a function hides one in the plan. With
    *called* for a comparison with a digest that was made so, too.
    """
    plan = _AS_WRITTEN.sub("", _SCAN_COLUMNS.sub("", plan_text))
    if called is None:
        called = _as_called
    else:
        plan = _ARGUMENT_NAMES.sub(r"\1[]", plan)
    scans = list(_scans(root, key_of, called))
    outputs = [[called(None, column.name), *column.facts[1:]] for column in schema]
    digest = hashlib.blake2b(f"{VERSION}\n".encode(), digest_size=16)
    digest.update(encode([scans, outputs, literals]).encode())
    digest.update(plan.encode())
    return digest.hexdigest()


def pruned_digest(
    plan_text: str,
    root: Node,
    widths: Widths,
    key_of: Mapping[tuple[str, str], Key],
    schema: Schema,
    literals: list[str],
    called: Called | None = None,
) -> str | None:
    """As :func:`binding_digest`, of the plan without the columns that nothing reads, which are taken out of *root*.

    DuckDB numbers tables by how many columns came before, so they are numbered anew. None where the plan has
    references or numbers of tables that are not known.
    """
    if _OTHER_REFERENCES.search(plan_text) or not _TABLES.issuperset(_INDEX_NAMES.findall(plan_text)):
        return None
    text = encode({"error": False, "plans": [root]}) if prune(root, widths) else plan_text
    numbers: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return found[1] + numbers.setdefault(found[2], str(len(numbers)))

    return binding_digest(_INDEX.sub(numbered, text), root, key_of, schema, literals, called)


def _as_called(key: Key | None, name: str) -> str:
    return name


def _scans(root: Node, key_of: Mapping[tuple[str, str], Key], called: Called) -> Iterator[list[Any]]:
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
                [called(key, node["names"][i]), node["returned_types"][i]] if i < known else []
                for i in indexes
            ]
            yield [key, columns]
