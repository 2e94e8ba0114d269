"""Figures as values, as a Markdown table, and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured number. *target* is what it should be at most, None when there is none."""

    what: str
    value: float
    unit: str
    target: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target was reached."""
        return None if self.target is None else self.value <= self.target


@dataclass
class Report:
    """What one benchmark found. *about* says how it was measured, for a reader of this alone."""

    name: str
    about: str
    figures: list[Figure] = field(default_factory=list)

    def add(self, what: str, value: float, unit: str, *, target: float | None = None, note: str = "") -> None:
        """One more figure."""
        self.figures.append(Figure(what, value, unit, target, note))

    def of(self, what: str) -> float:
        """The value of a figure. Raises KeyError."""
        for figure in self.figures:
            if figure.what == what:
                return figure.value
        raise KeyError(what)


def markdown(report: Report) -> str:
    """The report as text that reads well in a terminal and on a page."""
    rows = [("", "measured", "target", "")]
    for figure in report.figures:
        target = "" if figure.target is None else f"≤ {_number(figure.target)}{_unit(figure.unit)}"
        missed = "" if figure.met in (None, True) else "missed"
        rows.append((figure.what, _number(figure.value) + _unit(figure.unit), target, figure.note or missed))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [_row(rows[0], widths), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
    lines += [_row(row, widths) for row in rows[1:]]
    return f"## {report.name}\n\n{report.about}\n\n" + "\n".join(lines) + "\n"


def write_json(report: Report, folder: Path) -> Path:
    """Keep the report, with the machine that it was measured on."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report.name}.json"
    document = {
        "name": report.name,
        "about": report.about,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "figures": [{**asdict(figure), "met": figure.met} for figure in report.figures],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return path


def machine() -> dict[str, object]:
    """What decides about speed, without saying whose machine it is."""
    packages: Sequence[str] = ("upriver", "duckdb", "polars", "sqlglot")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cell.rjust(width) if 0 < column < 3 else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(aligned)} |"


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def _unit(unit: str) -> str:
    return unit if unit == "×" else f" {unit}" if unit else ""
