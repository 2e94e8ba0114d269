"""Text of a running build: one line for each finished asset, and a live region below them."""

from __future__ import annotations

from upriver.materializer.answers import AssetResult
from upriver.materializer.events import AssetOutput, AssetRetrying
from upriver.materializer.model import Outcome
from upriver.tui.present import figures
from upriver.tui.present.glyphs import OUTCOME
from upriver.tui.present.progress import Attempt, Progress
from upriver.tui.present.spans import (
    Line,
    Page,
    Span,
    clip,
    joined,
    line,
    pad,
    text_width,
    without_colours,
)
from upriver.tui.present.text.marks import sign
from upriver.tui.present.words import blocking, first_line, moment, plural, reasons_text, rows

_ERROR_LINES = 25
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
ASCII_SPINNER = "|/-\\"


def finished_lines(result: AssetResult, key_width: int, page: Page) -> list[Line]:
    """How one asset ended: one line, and below it the whole error when it failed."""
    mark = OUTCOME[result.action]
    head = line(sign(mark, page), " ", pad(clip(line(result.asset), max(key_width, 8)), key_width), "  ")
    facts: list[Line] = []
    if result.action is Outcome.BUILT:
        facts.append(pad(line(plural(result.rows, "row") if result.rows is not None else ""), 16, "right"))
        facts.append(pad(line(moment(result.seconds)), 6, "right"))
    else:
        facts.append(pad((Span(mark.word, mark.colour),), 16))
        timed = result.action is Outcome.FAILED
        facts.append(pad(line(moment(result.seconds) if timed else ""), 6, "right"))
    # What a failed asset was built for says less than its error, which follows.
    reasons = blocking(result.reasons) if result.action is Outcome.BLOCKED else result.reasons
    # What breaks many is told in full once, at the end.
    told_below = result.action is Outcome.FAILED or result.diagnoses
    why = "" if told_below else reasons_text(reasons, result.asset)
    if result.action is Outcome.BUILT and not result.changed:
        why = f"{why}; same content as before" if why else "same content as before"
    text = line(head, joined(facts, "  "), Span(f"  {why}" if why else "", "dim"))
    lines = [text if page.width is None else clip(text, page.width)]
    if result.action is Outcome.FAILED and result.error:
        lines += error_lines(result.error)
    return lines


def error_lines(error: str) -> list[Line]:
    """An asset's error under its line, with the middle left out when it is very long."""
    texts = without_colours(error).rstrip("\n").expandtabs(4).split("\n")
    if len(texts) > _ERROR_LINES:
        left_out = len(texts) - _ERROR_LINES + 1
        texts = [*texts[:8], f"… {left_out} lines left out …", *texts[8 + left_out :]]
    return [line("    ", Span(text, "red" if i == 0 else "")) for i, text in enumerate(texts)]


def output_line(event: AssetOutput, key_width: int) -> Line:
    """A line that a recipe printed."""
    text = without_colours(event.text.rstrip("\n")).expandtabs(4)
    style = {"stderr": "yellow", "warning": "yellow", "traceback": "red"}.get(event.stream, "")
    return line(Span(padded(event.asset, key_width), "dim"), Span(" | ", "dim"), Span(text, style))


def padded(text: str, columns: int) -> str:
    """*text* filled with blanks."""
    return text + " " * max(0, columns - text_width(text))


def retry_line(event: AssetRetrying, key_width: int) -> Line:
    """An attempt failed and another will follow."""
    wait = f" in {figures.duration(event.wait)}" if event.wait >= 0.1 else ""
    text = f"attempt {event.attempt} failed, next{wait}: {first_line(event.error)}"
    return line(Span("↻ ", "yellow"), padded(event.asset, key_width), "  ", Span(text, "yellow"))


def frame(
    progress: Progress,
    page: Page,
    *,
    now: float,
    height: int,
    tick: int,
    notice: str = "",
) -> list[Line]:
    """The live region: what runs, and one line of counts; at most *height* lines, none wider than *page*."""
    width = page.width or 80
    spinner = ASCII_SPINNER if page.ascii else SPINNER
    turning = Span(spinner[tick % len(spinner)], "cyan")
    if progress.started is None:
        return [clip(line(turning, " looking at what changed"), width)]
    room = max(1, height - (2 if notice else 1))
    attempts = sorted(progress.running.values(), key=lambda a: a.started)
    shown = attempts if len(attempts) <= room else attempts[: max(1, room - 1)]
    lines = [_attempt_line(attempt, progress, turning, now, page) for attempt in shown]
    if len(shown) < len(attempts):
        lines.append(line(f"  and {len(attempts) - len(shown)} more running"))
    lines.append(_counts_line(progress, now, page))
    if notice:
        lines.append(line(Span(notice, "yellow")))
    return [clip(text, width) for text in lines[-height:]]


def _attempt_line(attempt: Attempt, progress: Progress, turning: Span, now: float, page: Page) -> Line:
    elapsed = now - attempt.started
    usual = progress.expected.get(attempt.asset)
    facts = figures.duration(elapsed)
    fraction = attempt.fraction
    if usual is not None:
        facts += (
            f" of about {figures.duration(usual)}"
            if elapsed <= usual
            else f", usually {figures.duration(usual)}"
        )
        fraction = min(0.99, elapsed / usual) if fraction is None and usual > 0 else fraction
    if attempt.attempt > 1:
        facts += f"  attempt {attempt.attempt}"
    if attempt.waiting_until is not None and attempt.waiting_until > now:
        facts += f"  next attempt in {figures.duration(attempt.waiting_until - now)}"
    if attempt.memory:
        facts += f"  {figures.size(attempt.memory)}"
    width = page.width or 80
    key_width = min(progress.key_width, max(8, width - 24))
    parts: list[Span | str | Line] = [
        turning,
        " ",
        pad(clip(line(attempt.asset), key_width), key_width),
        "  ",
    ]
    if fraction is not None and width >= 70:
        parts += [_bar(fraction, 12, page), "  "]
    return line(*parts, facts)


def _bar(fraction: float, columns: int, page: Page) -> Line:
    full = max(0, min(columns, round(fraction * columns)))
    on, off = ("#", ".") if page.ascii else ("█", "░")
    return (Span(on * full, "cyan"), Span(off * (columns - full), "dim"))


def _counts_line(progress: Progress, now: float, page: Page) -> Line:
    done = sum(progress.counts.values())
    parts: list[Line] = [line(Span(f"{done:,}/{progress.total:,}", "bold"))]
    for outcome in (
        Outcome.BUILT,
        Outcome.REUSED,
        Outcome.BROKEN,
        Outcome.FAILED,
        Outcome.BLOCKED,
        Outcome.FRESH,
    ):
        if number := progress.counts[outcome]:
            mark = OUTCOME[outcome]
            parts.append(line(sign(mark, page), f" {rows(number)} {mark.word}"))
    assert progress.started is not None
    clock = figures.clock_span(now - progress.started)
    left = progress.left(now)
    if left is not None and left >= 1:
        clock += f", about {figures.clock_span(left)} left"
    parts.append(line(Span(clock, "dim")))
    return joined(parts, "  ")
