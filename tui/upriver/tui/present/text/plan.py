"""Text of a plan, and of how a build ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from upriver.assets.model import Key
from upriver.materializer.answers import AssetResult, BuildResult, Plan, Step
from upriver.materializer.model import Action, Outcome, RunStatus
from upriver.tui.present import figures
from upriver.tui.present.glyphs import ACTION, OUTCOME
from upriver.tui.present.spans import EMPTY, Line, Page, Span, clip, flowed, line, wrap
from upriver.tui.present.text.marks import sign, word
from upriver.tui.present.text.slices import counts_text, slices_text
from upriver.tui.present.text.table import Column, table
from upriver.tui.present.words import blocking, first_line, moment, plural, reasons_text

_COLUMNS = (
    Column(""),
    Column("does", leaves=2),
    Column("asset", minimum=24),
    Column("about", "right", leaves=1),
    Column("why", minimum=24),
)

_MOST_NAMES = 6
NOTHING = "no asset matches: there is nothing to build"


def plan_lines(plan: Plan, page: Page, *, everything: bool = False) -> list[Line]:
    """The steps that do something (*everything*: all), and what they come to."""
    shown = [step for step in plan.steps if everything or step.action is not Action.FRESH]
    counts = Counter(step.action for step in plan.steps)
    if not plan.steps:
        return [line(NOTHING)]
    if not plan.stale:
        return [
            *table(_COLUMNS, [_step_row(step, page) for step in shown], page.width),
            line(
                sign(ACTION[Action.FRESH], page), f" nothing to do: {plural(len(plan.steps), 'asset')} fresh"
            ),
        ]
    lines = [*table(_COLUMNS, [_step_row(step, page) for step in shown], page.width), EMPTY]
    phrases = {
        Action.BROKEN: "broken",
        Action.BLOCKED: "blocked",
        Action.BUILD: "to build",
        Action.REUSE: "to reuse from an earlier build",
        Action.MAYBE: "may turn out fresh",
        Action.CHECK: "to check",
        Action.FRESH: "fresh",
    }
    parts = [line(sign(ACTION[a], page), f" {counts[a]:,} {phrases[a]}") for a in phrases if counts[a]]
    lines += flowed(parts, page.width)
    if plan.seconds:
        lines += wrap(_estimate(plan), page.width, "dim")
    return lines


def _estimate(plan: Plan) -> str:
    path = plan.critical_path
    text = f"about {figures.duration(plan.seconds)}"
    if len(path) > 1:
        through = " → ".join(path if len(path) <= _MOST_NAMES else (*path[:2], "…", *path[-2:]))
        text += f", the longest chain being {through}"
    return text


def _step_row(step: Step, page: Page) -> list[Line]:
    mark = ACTION[step.action]
    about = "" if step.seconds is None or step.action is Action.FRESH else figures.duration(step.seconds)
    name = step.asset if step.partition is None else f"{step.asset}[{step.partition}]"
    reasons = blocking(step.reasons) if step.action is Action.BLOCKED else step.reasons
    why = reasons_text(reasons, step.asset)
    if counted := slices_text(step.slices):
        why = f"{why}; {counted}" if why else counted
    return [
        (sign(mark, page),),
        (word(mark),),
        (Span(name),),
        (Span(about),) if about else EMPTY,
        (Span(why),) if why else EMPTY,
    ]


def summary_lines(
    result: BuildResult,
    page: Page,
    *,
    elapsed: float,
    saved: float = 0.0,
    told: Collection[Key] = (),
) -> list[Line]:
    """What a build came to: failures and what they block, counts, the slowest, the time saved.

    Why the assets of *told* ended badly stands right above, and is not said again.
    """
    if not result.assets:
        return [line(NOTHING)]
    counts = Counter(r.action for r in result.assets)
    worked = [r for r in result.assets if r.action is not Outcome.FRESH]
    if not worked and result.status is RunStatus.SUCCESS:
        fresh = plural(len(result.assets), "asset")
        mark = sign(OUTCOME[Outcome.BUILT], page)
        ran = sum(check.ran for one in result.assets for check in one.checks)
        checks = f"; {plural(ran, 'check')} ran" if ran else ""
        return [line(mark, f" everything is fresh: {fresh}, checked in {moment(elapsed)}{checks}")]
    lines = [
        *_broken(result.assets, page, told),
        *_failures(result.assets, page, told),
        *_blocked(result.assets, page),
    ]
    if lines:
        lines.append(EMPTY)
    lines += _counts(result, counts, elapsed, page)
    built = sorted((r for r in result.assets if r.action is Outcome.BUILT), key=lambda r: -r.seconds)
    for r in built:
        if counted := counts_text(r.slices):
            lines += wrap(f"{r.asset}: {counted}", page.width, "dim")
    if len(built) > 1 and built[0].seconds >= 1:
        slowest = ", ".join(f"{r.asset} {figures.duration(r.seconds)}" for r in built[:3])
        lines += wrap(f"slowest: {slowest}", page.width, "dim")
    if saved >= 0.05:
        lines += wrap(
            f"saved about {figures.duration(saved)} by not building what had not changed", page.width, "dim"
        )
    if counts[Outcome.FAILED]:
        hint = "`upriver log last` shows what they printed; what was built before is kept"
        lines += wrap(hint, page.width, "dim")
    return lines


def _counts(result: BuildResult, counts: Counter[Outcome], elapsed: float, page: Page) -> list[Line]:
    parts = []
    for outcome in (
        Outcome.BUILT,
        Outcome.REUSED,
        Outcome.BROKEN,
        Outcome.FAILED,
        Outcome.BLOCKED,
        Outcome.CANCELLED,
        Outcome.FRESH,
    ):
        if counts[outcome]:
            mark = OUTCOME[outcome]
            parts.append(line(sign(mark, page), f" {counts[outcome]:,} {mark.word}"))
    end = {RunStatus.INTERRUPTED: "interrupted after", RunStatus.FAILED: "failed after"}.get(
        result.status, "in"
    )
    parts.append((Span(f"{end} {figures.duration(elapsed)}", "dim"),))
    return flowed(parts, page.width)


def _broken(results: Sequence[AssetResult], page: Page, told: Collection[Key], most: int = 10) -> list[Line]:
    """What can't be built as it is declared, those of one problem together."""
    by_problem: dict[str, list[str]] = {}
    for r in results:
        if r.action is Outcome.BROKEN and not (r.diagnoses and r.asset in told):
            by_problem.setdefault(first_line(r.error or ""), []).append(r.asset)
    lines = []
    for problem, keys in list(by_problem.items())[:most]:
        names = ", ".join(keys[:_MOST_NAMES])
        more = f" and {len(keys) - _MOST_NAMES:,} more" if len(keys) > _MOST_NAMES else ""
        verb = "is" if len(keys) == 1 else "are"
        text = line(sign(OUTCOME[Outcome.BROKEN], page), f" {names}{more} {verb} broken: {problem}")
        lines.append(text if page.width is None else clip(text, page.width))
    if len(by_problem) > most:
        lines.append(line(f"  and {len(by_problem) - most:,} more problems"))
    return lines


def _failures(
    results: Sequence[AssetResult], page: Page, told: Collection[Key], most: int = 10
) -> list[Line]:
    """What failed, those of one cause together. The whole errors were told when it happened."""
    groups = {
        cause: group
        for cause, group in _by_cause(results).items()
        if not all(key in told for key in group[0])
    }
    lines = []
    for keys, error in list(groups.values())[:most]:
        text = line(sign(OUTCOME[Outcome.FAILED], page), f" {_names(keys)} failed: {error}")
        lines.append(text if page.width is None else clip(text, page.width))
    if left := sum(len(keys) for keys, _ in list(groups.values())[most:]):
        lines.append(line(f"  and {left:,} more failed"))
    return lines


def _by_cause(results: Sequence[AssetResult]) -> dict[str, tuple[list[str], str]]:
    """The assets that failed, by what their errors say but for their own names."""
    groups: dict[str, tuple[list[str], str]] = {}
    for r in results:
        if r.action is Outcome.FAILED:
            error = first_line(r.error or "")
            groups.setdefault(error.replace(r.asset, "\0"), ([], error))[0].append(r.asset)
    return groups


def _names(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _MOST_NAMES:,} more" if len(keys) > _MOST_NAMES else ""
    return ", ".join(keys[:_MOST_NAMES]) + more


def _blocked(results: Sequence[AssetResult], page: Page, most: int = 10) -> list[Line]:
    """What is blocked, by what is in the way; what failed for one cause is in the way together."""
    above: dict[str, str] = {}
    for r in results:
        if r.action is Outcome.BLOCKED:
            above[r.asset] = next((reason.asset for reason in blocking(r.reasons)), r.asset)
    together = {key: number for number, (keys, _) in enumerate(_by_cause(results).values()) for key in keys}
    groups: dict[int | str, tuple[dict[str, None], list[str]]] = {}
    for key, cause in above.items():
        while above.get(cause, cause) != cause:  # what blocks it may be blocked itself: name the failure
            cause = above[cause]
        causes, keys = groups.setdefault(
            together.get(cause, cause) if cause != key else "", (dict[str, None](), [])
        )
        if cause != key:
            causes[cause] = None
        keys.append(key)
    lines: list[Line] = []
    for causes, keys in list(groups.values())[:most]:
        by = f" by {_names(list(causes))}" if causes else ""
        first, *others = wrap(f"{len(keys):,} blocked{by}: {_names(keys)}", page.room(2))
        lines.append(line(sign(OUTCOME[Outcome.BLOCKED], page), " ", first))
        lines += [line("  ", other) for other in others]
    if left := sum(len(keys) for _, keys in list(groups.values())[most:]):
        lines.append(line(f"  and {left:,} more blocked"))
    return lines
