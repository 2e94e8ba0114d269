"""Encoders of answers as the JSON documents of docs/json.md, which says what may change in them, and how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from upriver.assets.model import Schema
from upriver.materializer.answers import (
    Accepted,
    AssetResult,
    AssetStatus,
    AssetTrust,
    BuildResult,
    ColumnNode,
    Comparison,
    Explanation,
    HistoryEntry,
    Impacts,
    LineageView,
    Link,
    LogLine,
    Plan,
    Profile,
    RunEntry,
    Step,
    Table,
)
from upriver.materializer.model import Outcome
from upriver.materializer.runs.cost_answers import Costs
from upriver.tui.present.json.causes import diagnosis_documents, edge_document, reason, reasons
from upriver.tui.present.json.checks import check_results
from upriver.tui.present.json.slices import counts, slices
from upriver.tui.present.json.values import Listed, instant, plain
from upriver.tui.present.views.costs import sorted_costs

if TYPE_CHECKING:
    from upriver.lineage.refactoring.fix import Fix
    from upriver.lineage.refactoring.rename.values import ColumnRenaming, Renaming


def result(value: AssetResult) -> dict[str, Any]:
    """How one asset ended."""
    return {
        "asset": value.asset,
        "partition": value.partition,
        "action": value.action.value,
        "changed": value.changed,
        "reasons": reasons(value.reasons),
        "rows": value.rows,
        "seconds": value.seconds,
        "error": value.error,
        "diagnoses": diagnosis_documents(value.diagnoses),
        "checks": check_results(value.checks),
        "slices": counts(value.slices),
    }


def build(value: BuildResult) -> dict[str, Any]:
    """``build``."""
    return {"run_id": value.run_id, "status": value.status.value, "assets": [result(r) for r in value.assets]}


def _step(value: Step) -> dict[str, Any]:
    return {
        "asset": value.asset,
        "partition": value.partition,
        "action": value.action.value,
        "reasons": reasons(value.reasons),
        "diagnoses": diagnosis_documents(value.diagnoses),
        "slices": slices(value.slices),
    }


def plan(value: Plan) -> dict[str, Any]:
    """``plan`` and ``build --dry-run``."""
    return {"steps": [_step(step) for step in value.steps]}


def status(values: Iterable[AssetStatus]) -> dict[str, Any]:
    """``status``."""
    return {
        "assets": [
            {
                "asset": value.asset,
                "kind": value.kind,
                "state": value.state.value,
                "reasons": reasons(value.reasons),
                "materialized_at": instant(value.materialized_at),
                "rows": value.rows,
                "bytes": value.bytes,
                "diagnoses": diagnosis_documents(value.diagnoses),
                "notes": list(value.notes),
                "observed_at": instant(value.observed_at),
                "slices": slices(value.slices),
            }
            for value in values
        ]
    }


def accept(values: Iterable[Accepted]) -> dict[str, Any]:
    """``accept``."""
    return {
        "sources": [
            {
                "source": value.source,
                "before": _columns(value.before or ()),
                "columns": _columns(value.columns),
                "changes": list(value.changes),
            }
            for value in values
        ]
    }


def _columns(schema: Schema) -> list[dict[str, str]]:
    return [{"name": column.name, "type": column.type} for column in schema]


def trust(
    values: Iterable[AssetStatus], known: Iterable[AssetTrust], uncovered: Sequence[str]
) -> dict[str, Any]:
    """``status --trust``: that of ``status``, with how well what each asset reads from outside is known."""
    by_key = {one.asset: one for one in known}
    document = status(values)
    for one in document["assets"]:
        found = by_key.get(one["asset"])
        one["trust"] = None if found is None or found.trust is None else found.trust.value
        one["edges"] = [] if found is None else [edge_document(edge) for edge in found.edges]
    return {**document, "uncovered": list(uncovered)}


def why(value: Explanation) -> dict[str, Any]:
    """``why``: the asset's own reasons, then the chain to the root causes."""
    return {
        "asset": value.asset,
        "state": value.state.value,
        "reasons": reasons(value.reasons),
        "diagnoses": diagnosis_documents(value.diagnoses),
        "chain": [_link(link) for link in value.chain],
        "ruled_out": list(value.ruled_out),
        "trust": [edge_document(edge) for edge in value.edges],
        "rebuild": [{**_step(step), "seconds": step.seconds} for step in value.rebuild],
    }


def _link(value: Link) -> dict[str, Any]:
    return {
        "asset": value.asset,
        "depth": value.depth,
        "state": value.state.value,
        "root": value.root,
        "diagnoses": diagnosis_documents(value.diagnoses),
        "reasons": reasons(value.reasons),
        "diffs": [
            {
                "name": diff.name,
                "file": diff.place.path if diff.place else None,
                "line": diff.place.line if diff.place else None,
                "lines": list(diff.lines),
            }
            for diff in value.diffs
        ],
    }


def _end(value: ColumnNode) -> dict[str, Any]:
    return {"asset": value.asset, "column": value.column}


def lineage(value: LineageView) -> dict[str, Any]:
    """``lineage``. In asset-level edges *column* is null; beside columns, a null *column* is the rows of the asset."""
    return {
        "focus": _end(value.focus),
        "nodes": Listed(
            {**_end(node), "type": node.type, "kind": node.kind, "expression": node.expression}
            for node in value.nodes
        ),
        "edges": Listed(
            {
                "from": _end(edge.source),
                "to": _end(edge.target),
                "kind": edge.kind.value,
                "how": edge.how,
                "expression": edge.expression,
            }
            for edge in value.each_edge()
        ),
        "opaque": [{"asset": note.asset, "cause": note.cause} for note in value.opaque],
    }


def impact(values: Impacts) -> dict[str, Any]:
    """``impact``."""
    return {
        "impacts": [
            {
                "asset": value.asset,
                "column": value.column,
                "effect": value.effect,
                "because": reason(value.because),
                "place": None if value.place is None else str(value.place),
            }
            for value in values
        ]
    }


def fix(value: Fix, *, dry_run: bool) -> dict[str, Any]:
    """``fix``. *remains* is what would still be wrong, null when nothing is known."""
    return {
        "asset": value.asset,
        "problem": value.problem,
        "file": value.place.path,
        "line": value.place.line,
        "column": value.place.column,
        "written": value.written,
        "meant": value.meant,
        "done": not dry_run,
        "lines": [{"line": one.line, "before": one.before, "after": one.after} for one in value.file.lines],
        "remains": value.remains or None,
    }


def renaming(value: Renaming | ColumnRenaming, *, dry_run: bool) -> dict[str, Any]:
    """``rename``: of a column with its *asset* and what *follows*, both null for an asset."""
    asset, follows = getattr(value, "key", None), getattr(value, "follows", None)
    left, kept = getattr(value, "left", None), getattr(value, "kept", None)
    return {
        "old": value.old,
        "new": value.new,
        "column_of": asset,
        "follows": None if follows is None else list(follows),
        "kept": None if kept is None else [{"asset": one.key, "why": one.why} for one in kept],
        "left": None if left is None else [{"place": str(one.place), "why": one.why} for one in left],
        "done": not dry_run,
        "edits": value.edits,
        "files": [
            {
                "path": file.path,
                "becomes": file.becomes,
                "lines": [{"line": one.line, "before": one.before, "after": one.after} for one in file.lines],
            }
            for file in value.files
        ],
        "rebuilt": list(value.rebuilt),
        "mentions": [str(place) for place in value.mentions],
    }


def rows(value: Table) -> list[dict[str, Any]]:
    """``sql``: one object a row. A column name that occurs twice gets a number, so that nothing is lost."""
    names = unique_names(value.columns)
    return [dict(zip(names, map(plain, row), strict=True)) for row in value.rows]


def unique_names(names: Iterable[str]) -> list[str]:
    """*names* with ``_1``, ``_2``, … on those that were there before."""
    names = list(names)
    taken: set[str] = set()
    out = []
    for name in names:
        unique, number = name, 0
        while unique in taken or (number and unique in names):
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique)
        out.append(unique)
    return out


def show(profile: Profile, preview: Table) -> dict[str, Any]:
    """``show``."""
    return {
        "asset": profile.asset,
        "rows": profile.rows,
        "bytes": profile.bytes,
        "schema": [{"name": column.name, "type": column.type} for column in profile.schema],
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "nulls": column.nulls,
                "distinct": column.distinct,
                "low": column.low,
                "high": column.high,
                "middle": column.middle,
                "histogram": list(column.histogram),
                "description": column.description,
            }
            for column in profile.columns
        ],
        "first_rows": rows(preview),
    }


def comparison(value: Comparison, differing: Table) -> dict[str, Any]:
    """``show --changes``."""
    return {
        "asset": value.asset,
        "before": {
            "run_id": value.before_run,
            "materialized_at": instant(value.before_at),
            "rows": value.before_rows,
        },
        "rows": value.rows,
        "added": value.added,
        "removed": value.removed,
        "new_columns": list(value.new_columns),
        "lost_columns": list(value.lost_columns),
        "retyped_columns": [
            {"name": name, "before": before, "after": after} for name, before, after in value.retyped_columns
        ],
        "differing_rows": rows(differing),
    }


def cost(value: Costs, order: str) -> dict[str, Any]:
    """``cost``, the most of *order* first. *since* is when the oldest of the runs began."""
    return {
        "runs": value.runs,
        "since": instant(value.since),
        "seconds": value.seconds,
        "saved_seconds": value.saved,
        "assets": [
            {
                "asset": one.asset,
                "seconds": one.seconds,
                "total_seconds": one.total,
                "built": one.built,
                "failed": one.failed,
                "reused": one.reused,
                "saved_seconds": one.saved,
                "rows": one.rows,
                "bytes": one.bytes,
                "peak_memory": one.peak_memory,
            }
            for one in sorted_costs(value.assets, order)
        ],
    }


def history(key: str, values: Iterable[HistoryEntry]) -> dict[str, Any]:
    """``history ASSET``."""
    return {
        "asset": key,
        "materializations": [
            {
                "id": value.id,
                "run_id": value.run,
                "materialized_at": instant(value.materialized_at),
                "seconds": value.seconds,
                "rows": value.rows,
                "bytes": value.bytes,
                "version": value.version,
                "current": value.current,
            }
            for value in values
        ],
    }


def run(value: RunEntry) -> dict[str, Any]:
    """One run, with its assets when they are known."""
    tally = value.tally()
    return {
        "run_id": value.id,
        "status": value.status.value,
        "started_at": instant(value.started),
        "finished_at": instant(value.finished),
        "select": list(value.select),
        "counts": {outcome.value: tally.get(outcome, 0) for outcome in Outcome},
        "assets": [result(r) for r in value.assets],
    }


def runs(values: Iterable[RunEntry]) -> dict[str, Any]:
    """``history``."""
    return {"runs": [run(value) for value in values]}


def log(entry: RunEntry, lines: Iterable[LogLine]) -> dict[str, Any]:
    """``log``."""
    return {
        **run(entry),
        "lines": [
            {
                "asset": value.asset,
                "attempt": value.attempt,
                "stream": value.stream,
                "text": value.text,
                "at": instant(value.at),
            }
            for value in lines
        ],
    }
