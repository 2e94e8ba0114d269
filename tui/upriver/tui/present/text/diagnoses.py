"""Diagnoses as lines: a sentence with its place, the excerpt with its caret, the facts, the hint."""

from __future__ import annotations

from upriver.assets.errors import Diagnosis
from upriver.tui.present.spans import EMPTY, Line, Span, line


def diagnoses_lines(
    diagnoses: tuple[Diagnosis, ...], word: str = "error:", style: str = "bold red"
) -> list[Line]:
    """Diagnoses one below the other, an empty line between them."""
    lines: list[Line] = []
    for diagnosis in diagnoses:
        if lines:
            lines.append(EMPTY)
        lines += diagnosis_lines(diagnosis, word, style)
    return lines


def diagnosis_lines(diagnosis: Diagnosis, word: str = "error:", style: str = "bold red") -> list[Line]:
    """A sentence with its place, the excerpt with its caret, the facts, the hint."""
    first, *others = diagnosis.message.split("\n")
    place = (Span(f"{diagnosis.place}: ", "bold"),) if diagnosis.place else EMPTY
    lines = [line(Span(word, style), " ", place, first), *(line("  ", other) for other in others)]
    if diagnosis.excerpt:
        lines += [
            line("  ", _excerpt_line(row)) for row in diagnosis.excerpt.rstrip("\n").expandtabs(4).split("\n")
        ]
    lines += [line("  ", fact) for fact in diagnosis.facts]
    if diagnosis.hint:
        lines.append(line("  ", Span("hint:", "cyan"), " ", diagnosis.hint))
    return lines


def _excerpt_line(row: str) -> Line:
    number, bar, rest = row.partition(" | ")
    if not bar or not (number.strip() == "" or number.strip().isdigit()):
        return line(row)
    caret = set(rest.strip()) <= {"^", "~"} and rest.strip() != ""
    return line(Span(number + bar, "dim"), Span(rest, "bold red" if caret else ""))
