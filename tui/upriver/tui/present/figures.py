"""Ages, durations, counts and sizes in as few characters as can be read; shared by every face."""

from __future__ import annotations

_COUNT_UNITS = ("", "k", "M", "G", "T", "P")
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
NOTHING = "–"


def age(seconds: float | None) -> str:
    """How long ago, coarse: ``now``, ``42s``, ``16m``, ``26h``, ``9d``, ``14w``, ``3y``; ``never``."""
    if seconds is None:
        return "never"
    if seconds < 1:
        return "now"
    if seconds < 60:
        return f"{int(seconds)}s"
    if seconds < 3600:
        return f"{int(seconds // 60)}m"
    if seconds < 48 * 3600:
        return f"{int(seconds // 3600)}h"
    days = int(seconds // 86400)
    if days < 100:
        return f"{days}d"
    return f"{days // 7}w" if days < 730 else f"{days // 365}y"


def ago(seconds: float | None) -> str:
    """How long ago, as part of a sentence: ``now``, ``42s ago``; ``never``."""
    text = age(seconds)
    return text if text in ("now", "never") else f"{text} ago"


def duration(seconds: float | None) -> str:
    """How long something takes: ``24ms``, ``0.3s``, ``12.8s``, ``2m05``, ``1h02``; a dash for None."""
    if seconds is None:
        return NOTHING
    if seconds < 0.0995:
        return f"{max(0.0, seconds) * 1000:.0f}ms"
    if seconds < 99.95:
        return f"{seconds:.1f}s"
    if seconds < 3600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}m{rest:02d}"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours}h{rest:02d}"


def clock_span(seconds: float) -> str:
    """A running clock: ``0:19``, ``12:05``, ``1:02:30``."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def count(number: float | None) -> str:
    """A number of rows in at most four characters: ``365``, ``2.1k``, ``980k``, ``1.2M``; a dash for None."""
    return NOTHING if number is None else _scaled(float(number), _COUNT_UNITS, 1000.0)


def size(number: float | None) -> str:
    """Bytes: ``812 B``, ``31 MB``, ``1.2 GB``; a dash for None."""
    if number is None:
        return NOTHING
    text = _scaled(float(number), _BYTE_UNITS, 1000.0)
    digits = text.rstrip("kMGTPB")
    return f"{digits} {text[len(digits) :]}"


def change(before: float | None, after: float | None) -> str:
    """A relative change: ``+1.3 %``, ``−40 %``, ``=``; empty when it is not known."""
    if before is None or after is None or not before:
        return ""
    if before == after:
        return "="
    percent = (after - before) / before * 100
    sign = "+" if percent > 0 else "−"
    digits = 1 if abs(percent) < 10 else 0
    return f"{sign}{abs(percent):.{digits}f} %"


def _scaled(number: float, units: tuple[str, ...], step: float) -> str:
    if abs(number) < step:
        return f"{number:.0f}{units[0]}"
    for unit in units[1:]:
        number /= step
        # 999.5 and above would round up to four digits
        if abs(number) < step - 0.5 or unit == units[-1]:
            return f"{number:.1f}{unit}" if abs(number) < 9.95 else f"{number:.0f}{unit}"
    raise AssertionError("the last unit takes every number")
