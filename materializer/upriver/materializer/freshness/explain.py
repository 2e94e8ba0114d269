"""Why an asset is in its state: the chain down to every root cause, with what changed there."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from upriver.assets.identity import Node
from upriver.assets.model import CodePart, Key
from upriver.materializer.answers import CodeDiff, Explanation, Link
from upriver.materializer.context import Context
from upriver.materializer.freshness.decider import broken
from upriver.materializer.freshness.stages import explained, stages
from upriver.materializer.freshness.survey import Survey
from upriver.materializer.freshness.trust import trust_of
from upriver.materializer.model import Action, Cause, Materialization, Reason, Reasons, State, Trust

_ROOTS = frozenset(
    {
        Cause.MISSING, Cause.RECIPE, Cause.ENGINE, Cause.DATA, Cause.SCHEMA, Cause.VOLATILE, Cause.ENVIRONMENT,
        Cause.FORCED, Cause.FAILED, Cause.FALLBACK, Cause.APPROVAL, Cause.UNBOUND,
        Cause.BROKEN, Cause.SOURCE_MISSING,
    }
)  # fmt: skip


def explain(context: Context, seen: Survey, key: Key) -> Explanation:
    """Everything behind the state of *key*, nearest first."""
    project = seen.project
    if key in project.sources:
        if seen.views.sources.known(key):  # nothing that was decided need have asked for it
            seen.views.upstream(key)
        if (misfit := seen.views.misfits.get(key)) is not None:
            found = broken(Node(key), Cause.BROKEN, misfit)
            link = Link(key, 0, found.state, found.reasons, (), True, misfit)
            return Explanation(key, found.state, found.reasons, (link,), diagnoses=misfit)
        problem = seen.views.problems.get(key)
        state = State.MISSING if problem else State.FRESH
        return Explanation(key, state, (), (Link(key, 0, state, (), root=bool(problem)),))
    chain: list[Link] = []
    visited: set[Key] = set()

    waiting = [(key, 0)]  # no recursion: chains can be longer than Python's stack
    while waiting:
        asset, depth = waiting.pop()
        if asset in visited or Node(asset) not in seen.findings:
            continue
        visited.add(asset)
        finding = seen.findings[Node(asset)]
        if finding.action is Action.FRESH:
            continue
        reasons = [
            r for r in finding.reasons if not (r.kind is Cause.UPSTREAM and r.asset in seen.views.problems)
        ]
        diffs = recipe_diff(context, seen, asset) if any(r.kind is Cause.RECIPE for r in reasons) else ()
        root = any(reason.kind in _ROOTS for reason in reasons)
        if finding.action is Action.BROKEN:  # whatever is behind it, this is to be mended first
            chain.append(Link(asset, depth, finding.state, finding.reasons, (), root, finding.diagnoses))
            continue
        chain.append(Link(asset, depth, finding.state, _with_failure(seen, asset), diffs, root))
        behind = [reason.asset for reason in reasons if reason.asset != asset]
        waiting += [(upstream, depth + 1) for upstream in reversed([*behind, *project.reads[asset]])]

    finding = seen.findings[Node(key)]
    needed = {node: seen.findings[node] for node in map(Node, (link.asset for link in chain))}
    durations = context.state.durations(context.environment)
    seconds = {node: one[0] for node, one in durations.items()}
    made = explained(stages(project.graph.nodes, needed, seconds, seen.views.sizes(project.sources)))
    told = _with_failure(seen, key)
    if finding.action is Action.BROKEN:  # what it read when it was last built is beside the point
        return Explanation(key, finding.state, told, tuple(chain), (), made, finding.diagnoses)
    known = trust_of(
        project.assets[key],
        seen.records.get(Node(key)),
        project.sources,
        seen.views.sources.known,
        context.clock.now(),
    )
    doubtful = tuple(edge for edge in known.edges if edge.trust is not Trust.CONTENT)
    beside = ruled_out(context, seen, key)
    return Explanation(key, finding.state, told, tuple(chain), beside, made, edges=doubtful)


def _with_failure(seen: Survey, key: Key) -> Reasons:
    """The reasons for the state of *key*; first, if its last attempt failed, what the error was."""
    finding, failure = seen.findings[Node(key)], seen.failures.get(Node(key))
    said = {reason.kind for reason in finding.reasons}
    if finding.state is not State.FAILED or failure is None or said & {Cause.FAILED, Cause.UNBOUND}:
        return finding.reasons
    error = failure.error.partition("\n")[0]
    return (Reason(Cause.FAILED, key, detail=error), *finding.reasons)


def recipe_diff(context: Context, seen: Survey, key: Key) -> tuple[CodeDiff, ...]:
    """The pieces of code that differ from those of the last materialization, each as a unified diff."""
    record = seen.records.get(Node(key))
    if record is None:
        return ()
    return code_diff(context.state.recipe_parts(record.trace.recipe), seen.project.parts(key))


def code_diff(before: Sequence[CodePart], now: Sequence[CodePart]) -> tuple[CodeDiff, ...]:
    """Piece by piece, matched by name. Empty when the code from before is not known."""
    if not before:
        return ()
    then = {part.name: part for part in before}
    present = {part.name: part for part in now}
    diffs = []
    for name in dict.fromkeys([*present, *then]):
        old, new = then.get(name), present.get(name)
        if old and new and (old.digest == new.digest or old.source == new.source):
            continue
        lines = difflib.unified_diff(
            old.source.splitlines() if old else [],
            new.source.splitlines() if new else [],
            lineterm="",
            n=2,
        )
        shown = tuple(lines)[2:]
        if shown:
            place = new.place if new else old.place if old else None
            diffs.append(CodeDiff(name, place, shown))
    return tuple(diffs)


def ruled_out(context: Context, seen: Survey, key: Key) -> tuple[str, ...]:
    """What was looked at and found to be the same: an answer to "and what about …?"."""
    record = seen.records.get(Node(key))
    if record is None:
        return ()
    reasons = seen.findings[Node(key)].reasons
    kinds = {reason.kind for reason in reasons}
    concerned = {reason.asset for reason in reasons if reason.asset != key}
    found = []
    if Cause.RECIPE not in kinds:
        found.append("its code means the same")
    if record.trace.environment and not kinds & {Cause.ENVIRONMENT, Cause.VOLATILE}:
        found.append("what it takes from outside is the same")
    for read in record.trace.reads:
        if read.upstream not in concerned:
            found.append(_same_content(seen, record, read.upstream))
    return tuple(found)


def _same_content(seen: Survey, record: Materialization, upstream: Key) -> str:
    read = next(read for read in record.trace.reads if read.upstream == upstream)
    finding = seen.findings.get(read.node)
    version = finding.version if finding else None
    known = seen.views.sources.known(upstream) if finding is None else None
    now = version.id if version else known.version.id if known else None
    if now == read.version:
        return f"{upstream} is unchanged"
    columns = read.footprint.columns
    which = f"what it reads of {upstream}" + (f" ({', '.join(columns)})" if columns else "")
    return f"{which} is unchanged, although {upstream} changed"
