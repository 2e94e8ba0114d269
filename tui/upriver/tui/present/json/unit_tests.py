"""Unit tests as JSON documents."""

from __future__ import annotations

from typing import Any

from upriver.materializer.quality.row_diff import RowDifference
from upriver.materializer.quality.unit_test_report import UnitTestReport
from upriver.tui.present.json.causes import diagnosis_documents


def unit_tests(value: UnitTestReport) -> dict[str, Any]:
    """``test``."""
    return {
        "tests": [
            {
                "asset": one.asset,
                "test": one.name,
                "place": str(one.place),
                "outcome": one.outcome.value,
                "message": one.message,
                "difference": None if one.difference is None else _difference(one.difference),
                "seconds": one.seconds,
                "output": list(one.output),
            }
            for one in value.tests
        ],
        "diagnoses": diagnosis_documents(value.diagnoses),
    }


def _difference(value: RowDifference) -> dict[str, Any]:
    return {
        "missing": value.missing,
        "surplus": value.surplus,
        "same": value.same,
        "reordered": value.reordered,
        "rows": [
            {
                "sign": row.sign,
                "values": dict(zip(value.columns, row.values, strict=True)),
                "columns": list(row.columns),
            }
            for row in value.rows
        ],
    }
