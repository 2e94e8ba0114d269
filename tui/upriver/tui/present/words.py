"""Values in words: the one place where reasons become text for people."""

from __future__ import annotations

from collections.abc import Sequence

from upriver.assets.model import Key
from upriver.materializer.model import Cause, Reason, Reasons
from upriver.tui.present.figures import duration

# What is said of an upstream in such a state. One that waits itself has its own line: nothing is said of it here.
_STATES = {
    "stale": ("which is stale", "which are stale"),
    "missing": ("which was never built", "which were never built"),
    "failed": ("which failed", "which failed"),
    "unbound": ("which can't run", "which can't run"),
    "blocked": ("which is blocked", "which are blocked"),
    "broken": ("which is broken", "which are broken"),
    "running": ("which is being built", "which are being built"),
    "cancelled": ("which was not built", "which were not built"),
}

_IN_THE_WAY = ("failed", "unbound", "broken", "blocked")


def reason_text(reason: Reason, of: Key | None = None) -> str:
    """One reason in words. *of* is the asset whose reason it is: the sentence need not name it again."""
    own = of is None or reason.asset == of
    detail = reason.detail
    match reason.kind:
        case Cause.MISSING:
            return detail or "never built" if own else f"{reason.asset} was {detail or 'never built'}"
        case Cause.RECIPE:
            return _about(reason, own, detail or "its code changed")
        case Cause.ENGINE:
            return _about(reason, own, f"another engine computes it{_facts(detail)}")
        case Cause.VOLATILE | Cause.ENVIRONMENT:
            return _about(reason, own, detail or f"its {reason.kind.value} changed")
        case Cause.DATA:
            where = f" in {_names(reason.columns)}" if reason.columns else ""
            return f"{reason.asset} changed{where}{_facts(detail)}"
        case Cause.SCHEMA:
            if len(reason.columns) == 1:
                return f"{reason.asset}.{reason.columns[0]}: {detail or 'changed'}"
            if reason.columns:
                return f"{reason.asset}: {_names(reason.columns)} {detail or 'changed'}"
            return f"{reason.asset}: {detail or 'its columns changed'}"
        case Cause.UPSTREAM:
            return _waits([reason.asset], detail)
        case Cause.FORCED:
            return "forced"
        case Cause.FAILED:
            if own:
                return f"its last build failed{': ' + first_line(detail) if detail else ''}"
            return f"{reason.asset} failed{': ' + first_line(detail) if detail else ''}"
        case Cause.UNBOUND | Cause.BROKEN:
            return _about(reason, own, first_line(detail) or "its declaration can't be used")
        case Cause.APPROVAL:
            return _about(reason, own, detail or "waits for a person to approve it")
        case Cause.FALLBACK:
            return _about(reason, own, detail or "a fallback stands in for it")
        case Cause.PARTITION:
            return _about(reason, own, detail or "slices of it are not built")
        case Cause.TOLERATED:
            return f"{reason.asset} {detail or 'lacked slices'}, which is tolerated"
        case Cause.CHECK:
            return _about(reason, own, f"check {detail}")
        case Cause.SOURCE_MISSING:
            if detail.startswith(f"source {reason.asset}"):
                return first_line(detail)
            return f"source {reason.asset} is missing{': ' + detail if detail else ''}"


def phrases(reasons: Reasons, of: Key | None = None) -> list[str]:
    """All reasons in words, those that wait for upstreams in the same state put together."""
    waiting: dict[str, list[Key]] = {}
    for reason in reasons:
        if reason.kind is Cause.UPSTREAM:
            waiting.setdefault(reason.detail, []).append(reason.asset)
    own = [reason_text(reason, of) for reason in reasons if reason.kind is not Cause.UPSTREAM]
    return [*own, *(_waits(keys, detail) for detail, keys in waiting.items())]


def reasons_text(reasons: Reasons, of: Key | None = None, most: int = 1) -> str:
    """The first *most* of the phrases, and how many more there are."""
    found = phrases(reasons, of)
    told = "; ".join(found[:most])
    more = len(found) - most
    return f"{told} (+{more} more)" if more > 0 else told


def blocking(reasons: Reasons) -> Reasons:
    """Of a blocked asset's reasons those that block it: why it would have been built is beside the point."""
    return tuple(r for r in reasons if r.kind is Cause.UPSTREAM and r.detail in _IN_THE_WAY) or reasons


def _waits(keys: Sequence[Key], state: str) -> str:
    one, many = _STATES.get(state, ("", ""))
    said = one if len(keys) == 1 else many
    return f"waits for {_names(keys)}{', ' + said if said else ''}"


def _about(reason: Reason, own: bool, phrase: str) -> str:
    return phrase if own else f"{reason.asset}: {phrase}"


def _facts(detail: str) -> str:
    return f" ({detail})" if detail else ""


def _names(names: Sequence[str], most: int = 4) -> str:
    told = ", ".join(names[:most])
    return told if len(names) <= most else f"{told} and {len(names) - most} more"


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.split("\n") if line.strip()), "")


def plural(number: int, noun: str, many: str | None = None) -> str:
    """``1 asset``, ``1,204 assets``."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def rows(number: int | None) -> str:
    """A number of rows in full, ``1,204,331``; nothing when it is not known."""
    return "" if number is None else f"{number:,}"


def moment(seconds: float) -> str:
    """How long a quick thing took: ``24ms``, ``0.43s``, then as :func:`figures.duration`."""
    return f"{seconds:.2f}s" if 0.0995 <= seconds < 0.995 else duration(seconds)
