"""Documents of approvals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from upriver.materializer.automation.model import ApprovalStatus
from upriver.tui.present.json.values import instant


def approvals(found: Iterable[ApprovalStatus]) -> dict[str, Any]:
    """``approve``."""
    return {"approvals": [_approval(one) for one in found]}


def _approval(one: ApprovalStatus) -> dict[str, Any]:
    given = one.approved
    return {
        "asset": one.asset,
        "waiting": one.waiting,
        "of": list(one.of),
        "approved_at": None if given is None else instant(given.at),
        "claimed_by": None if given is None else given.by,
        "note": "" if given is None else given.note,
    }
