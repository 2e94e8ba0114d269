"""Files read in a query: which table functions read them, how they are called, and what is no file at all."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, TypeAlias

from upriver.lineage.sql.text.tokens import tokens

Node: TypeAlias = dict[str, Any]

PURE_TABLE_FUNCTIONS = frozenset(
    {"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"}
)
READERS = {
    "read_csv": "csv",
    "read_csv_auto": "csv",
    "read_parquet": "parquet",
    "parquet_scan": "parquet",
    "read_json": "ndjson",
    "read_json_auto": "ndjson",
    "read_json_objects": "ndjson",
    "read_json_objects_auto": "ndjson",
    "read_ndjson": "ndjson",
    "read_ndjson_auto": "ndjson",
    "read_ndjson_objects": "ndjson",
    "read_arrow": "arrow",
    "scan_arrow_ipc": "arrow",
    "read_text": "file",
    "read_blob": "file",
    "parquet_metadata": "file",
    "parquet_full_metadata": "file",
    "parquet_file_metadata": "file",
    "parquet_kv_metadata": "file",
    "parquet_schema": "file",
}
PLAIN_READERS = frozenset(
    {"read_csv", "read_csv_auto", "read_parquet", "parquet_scan", "read_ndjson", "read_ndjson_auto"}
)
_SUFFIXES = {
    "csv": "csv",
    "tsv": "csv",
    "parquet": "parquet",
    "json": "ndjson",
    "jsonl": "ndjson",
    "ndjson": "ndjson",
    "arrow": "arrow",
    "arrows": "arrow",
    "feather": "arrow",
}
_COMPRESSIONS = frozenset({"gz", "zst"})
_CONSTANT_FUNCTIONS = frozenset({"list_value", "struct_pack", "map", "row"})


def first_argument(text: str, start: int) -> tuple[int, int]:
    """Where the first argument of the call at *start* begins and ends."""
    depth, first, last = 0, None, start
    for token in tokens(text, start):
        if token.text in (")", "]", "}"):
            depth -= 1
        if depth == 1 and first is not None and token.text == ",":
            break
        if depth == 0 and first is not None:
            break
        if depth >= 1:
            first, last = token.start if first is None else first, token.end
        if token.text in ("(", "[", "{"):
            depth += 1
    assert first is not None, "only called when there is a first argument"
    return first, last


def string_constants(node: Node) -> tuple[str, ...]:
    """The strings of a string constant or a list of them; empty when *node* is anything else."""
    items = [node]
    if node["class"] == "FUNCTION" and node["function_name"] == "list_value":
        items = [argument["expression"] for argument in node["arguments"]]
    texts = [
        item["literal"]["text"]
        for item in items
        if item["class"] == "CONSTANT" and item.get("literal", {}).get("kind") == "STRING"
    ]
    return tuple(texts) if len(texts) == len(items) else ()


def is_constant(node: Node) -> bool:
    """Whether a reader's argument is written out, so that the call means the same wherever it stands."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        match part["class"]:
            case "CONSTANT" | "TYPE":
                pass
            case "COMPARISON" if (
                part["left"]["class"] == "COLUMN_REF"
            ):  # an option in the old style: delim = ';'
                waiting.append(part["right"])
            case "FUNCTION" if part["function_name"] in _CONSTANT_FUNCTIONS:
                waiting += [argument["expression"] for argument in part["arguments"]]
            case "CAST":
                waiting.append(part["child"])
            case _:
                return False
    return True


def file_of(name: str) -> tuple[str, str | None] | None:
    """Format and scan of a file that stands for a table, None when *name* is a table's name."""
    if not any(character in name for character in "./\\*?"):
        return None
    suffixes = PurePosixPath(name.lower()).name.split(".")[1:]
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    # A .json file may hold an array; the plain reader of "ndjson" takes one value a line.
    return _SUFFIXES.get(suffix, "file"), "read_json_auto({files})" if suffix == "json" else None
