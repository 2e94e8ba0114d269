"""Text of an explanation: the chain of causes behind an asset's state."""

from __future__ import annotations

import re
from collections.abc import Sequence

from upriver.materializer.answers import CodeDiff, Explanation, Link, Step
from upriver.materializer.model import Action, State
from upriver.tui.present import figures
from upriver.tui.present.glyphs import STATE
from upriver.tui.present.spans import EMPTY, Line, Page, Span, flowed, line, pad, width, wrap
from upriver.tui.present.text.diagnoses import diagnoses_lines
from upriver.tui.present.text.marks import sign, word
from upriver.tui.present.words import phrases, plural

_NUMBERS = "①②③④⑤⑥⑦⑧⑨⑩"
_MOST_STEPS = 12
_DIFF_LINES = 40
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_DIFF_STYLES = {"+": "green", "-": "red"}
_NARROW = 60
"""Below this width a reason stands under its asset instead of beside it."""


def why_lines(explanation: Explanation, page: Page) -> list[Line]:
    """State and reasons, the chain with numbered root causes, their diffs, what was ruled out, the cost."""
    mark = STATE[explanation.state]
    verb = " " if explanation.state is State.FAILED else " is "
    lines = [line(sign(mark, page), " ", Span(explanation.asset, "bold"), verb, word(mark))]
    if explanation.diagnoses:
        return [*lines, EMPTY, *diagnoses_lines(explanation.diagnoses)]
    for phrase in phrases(explanation.reasons, explanation.asset):
        first, *others = wrap(phrase, page.room(4))
        lines += [line("  · ", first), *(line("    ", other) for other in others)]
    roots = [link for link in explanation.chain if link.root]
    numbers = {id(link): _number(i, page) for i, link in enumerate(roots)}
    if explanation.chain and (len(explanation.chain) > 1 or roots):
        lines += [EMPTY, _heading("Chain"), *_chain(explanation.chain, numbers, page)]
    for link in roots:
        for diff in link.diffs:
            lines += [EMPTY, *_diff(diff, numbers[id(link)], page)]
    told = tuple(dict.fromkeys(one for link in explanation.chain for one in link.diagnoses))
    if told:
        lines += [EMPTY, *diagnoses_lines(told)]
    if explanation.ruled_out:
        lines += [EMPTY, _heading("Ruled out")]
        for text in explanation.ruled_out:
            lines += _item(sign(STATE[State.FRESH], page), text, page)
    if explanation.edges:
        lines += [EMPTY, _heading("Known less than by content")]
        for edge in explanation.edges:
            lines += _item(Span("·", "yellow"), f"{edge.source}: {edge.trust.value} ({edge.detail})", page)
    if explanation.rebuild:
        lines += [EMPTY, *_cost(explanation.rebuild, page)]
    return lines


def _heading(text: str) -> Line:
    return (Span(text, "bold"),)


def _number(index: int, page: Page) -> str:
    return f"({index + 1})" if page.ascii or index >= len(_NUMBERS) else _NUMBERS[index]


def _item(bullet: Span, text: str, page: Page) -> list[Line]:
    first, *others = wrap(text, page.room(4))
    return [line("  ", bullet, " ", first), *(line("    ", other) for other in others)]


def _chain(chain: Sequence[Link], numbers: dict[int, str], page: Page) -> list[Line]:
    heads = [line("  " * (link.depth + 1), sign(STATE[link.state], page), " ", link.asset) for link in chain]
    column = max(map(width, heads)) + 2
    if page.width is not None:
        column = min(column, max(24, page.width // 2))
    narrow = page.width is not None and page.width < _NARROW
    lines: list[Line] = []
    for link, head in zip(chain, heads, strict=True):
        number = numbers.get(id(link), "")
        tag = Span(f"{number} " if number else "", "bold cyan")
        below = narrow or width(head) > column - 2
        indent = 2 * link.depth + 4 if narrow else column
        text = "; ".join(phrases(link.reasons, link.asset))
        first, *others = wrap(text, page.room(indent + width((tag,)), 12), "bold" if link.root else "dim")
        if below:
            lines += [head, line(" " * indent, tag, first)]
        else:
            lines.append(line(pad(head, column), tag, first))
        lines += [line(" " * (indent + width((tag,))), other) for other in others]
    return lines


def _diff(diff: CodeDiff, number: str, page: Page) -> list[Line]:
    start = diff.place.line if diff.place else 1
    rows = _numbered(diff.lines, start)
    changed = next((row for row, text in rows if text[:1] in ("+", "-")), start)
    title = line(Span(f"{number} ", "bold cyan"), Span(diff.name, "bold"))
    place = [(Span(f"{diff.place.path}:{changed}", "dim"),)] if diff.place else []
    lines = flowed([title, *place], page.width, "  ")
    digits = len(str(max((row for row, _ in rows), default=0)))
    last: int | None = None
    for row, text in rows[:_DIFF_LINES]:
        if last is not None and row > last + 1:
            lines.append(line(Span(f"    {'⋮':>{digits}}", "dim")))
        last = row
        mark, code = text[:1] or " ", text[1:].rstrip("\n")
        lines.append(
            line(Span(f"    {row:>{digits}} ", "dim"), Span(f"{mark} {code}", _DIFF_STYLES.get(mark, "dim")))
        )
    if len(rows) > _DIFF_LINES:
        lines.append(line(Span(f"    … {plural(len(rows) - _DIFF_LINES, 'line')} more", "dim")))
    return lines


def _numbered(lines: Sequence[str], start: int) -> list[tuple[int, str]]:
    """The lines of a unified diff with their line numbers in the file; what was taken away has the old number."""
    rows: list[tuple[int, str]] = []
    old = new = start
    for text in lines:
        if text.startswith(("---", "+++")) and not rows:
            continue
        if match := _HUNK.match(text):
            old, new = (start + int(group) - 1 for group in match.groups())
            continue
        rows.append((old if text.startswith("-") else new, text))
        old += not text.startswith("+")
        new += not text.startswith("-")
    return rows


def _cost(steps: Sequence[Step], page: Page) -> list[Line]:
    built = [step for step in steps if step.action in (Action.BUILD, Action.MAYBE)]
    if not built:
        return []
    known = [step.seconds for step in built if step.seconds is not None]
    about = f", {figures.duration(sum(known))} of work" if known else ""
    names = ", ".join(step.asset for step in built[:_MOST_STEPS])
    more = f" and {len(built) - _MOST_STEPS:,} more" if len(built) > _MOST_STEPS else ""
    return [
        *flowed(
            [_heading("To make it fresh"), line(f"{plural(len(built), 'asset')}{about}")], page.width, ": "
        ),
        *(line("  ", text) for text in wrap(f"{names}{more}", page.room(2))),
    ]
