"""Reasons and diagnoses as JSON, the same in every document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from upriver.assets.errors import Diagnosis
from upriver.materializer.model import Reason, Reasons, TrustedEdge


def reason(value: Reason) -> dict[str, Any]:
    """One reason."""
    return {
        "kind": value.kind.value,
        "asset": value.asset,
        "columns": list(value.columns),
        "detail": value.detail,
    }


def reasons(values: Reasons) -> list[dict[str, Any]]:
    """Reasons, in their order."""
    return [reason(value) for value in values]


def diagnosis_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis for JSON. *line* and *column* count from 1."""
    place = diagnosis.place
    return {
        "code": diagnosis.code,
        "message": diagnosis.message,
        "asset": diagnosis.key,
        "file": place.path if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "facts": list(diagnosis.facts),
        "hint": diagnosis.hint,
        "excerpt": diagnosis.excerpt,
    }


def diagnosis_documents(diagnoses: Iterable[Diagnosis]) -> list[dict[str, Any]]:
    """Diagnoses for JSON."""
    return [diagnosis_document(diagnosis) for diagnosis in diagnoses]


def edge_document(value: TrustedEdge) -> dict[str, Any]:
    """How well one thing that an asset reads is known."""
    return {"source": value.source, "trust": value.trust.value, "detail": value.detail}
