"""Text of what fsck found and what gc dropped."""

from __future__ import annotations

from collections.abc import Sequence

from upriver.materializer.model import State
from upriver.materializer.upkeep.fsck import Problem, Report
from upriver.materializer.upkeep.gc import Collected
from upriver.tui.present import figures
from upriver.tui.present.glyphs import STATE
from upriver.tui.present.spans import EMPTY, Line, Page, Span, line, wrap
from upriver.tui.present.text.marks import sign
from upriver.tui.present.words import plural

_MOST = 20


def fsck_lines(report: Report, actions: Sequence[str], page: Page) -> list[Line]:
    """What was done, what is still wrong, and what is harmless."""
    lines: list[Line] = []
    for action in actions:
        lines += _item(Span("+" if page.ascii else "↻", "yellow"), action, page)
    for problem in report.problems:
        lines += _problem(problem, page)
    if lines:
        lines.append(EMPTY)
    for note in report.notes[:_MOST]:
        lines += [(Span(part.text, "dim"),) for text in wrap(note, page.width) for part in text]
    if len(report.notes) > _MOST:
        lines.append(line(Span(f"and {plural(len(report.notes) - _MOST, 'note')} more", "dim")))
    checked = f"{plural(report.artifacts, 'artifact')} ({figures.size(report.bytes)})"
    if report.ok:
        lines += _item(sign(STATE[State.FRESH], page), f"{checked} and every record are sound", page)
    else:
        wrong = plural(len(report.problems), "problem")
        lines += _item(sign(STATE[State.FAILED], page), f"{wrong} in {checked} and their records", page)
    return lines


def _problem(problem: Problem, page: Page) -> list[Line]:
    lines = _item(sign(STATE[State.FAILED], page), f"{problem.kind.value}: {problem.place}", page)
    for fact in problem.facts:
        lines += [line("  ", text) for text in wrap(fact, page.room(2))]
    first, *others = wrap(problem.hint, page.room(8))
    return [
        *lines,
        line("  ", Span("hint:", "cyan"), " ", first),
        *(line("        ", other) for other in others),
    ]


def _item(bullet: Span, text: str, page: Page) -> list[Line]:
    first, *others = wrap(text, page.room(2))
    return [line(bullet, " ", first), *(line("  ", other) for other in others)]


def gc_lines(collected: Collected, page: Page, *, dry_run: bool) -> list[Line]:
    """What was dropped, and how much room that made."""
    kept = f"{figures.size(collected.kept)} of artifacts kept"
    parts = [
        plural(len(names), noun)
        for names, noun in (
            (collected.materializations, "old materialization"),
            (collected.artifacts, "artifact"),
            (collected.leftovers, "leftover file"),
        )
        if names
    ]
    if not parts:
        return [line(f"nothing to drop: {kept}")]
    verb, freed = ("would drop", "to be freed") if dry_run else ("dropped", "freed")
    listed = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    return wrap(f"{verb} {listed}: {figures.size(collected.freed)} {freed}, {kept}", page.width)
