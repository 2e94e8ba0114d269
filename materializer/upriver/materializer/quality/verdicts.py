"""Identity of verdicts, and what a verdict means for a check today."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from upriver.assets.model import Check, Expression, Key, Newest, Offenders, Predicate, RowCount, Severity
from upriver.assets.project.config import Scalar
from upriver.lineage.analysis.analyzer import settings_of
from upriver.lineage.project.distributions import release_series
from upriver.materializer.model import Acceptance, CheckOutcome, CheckResult, Verdict

_FORM = 1
"""Raised when the way of checking changes."""

_VARIABLE = re.compile(r"\bgetvariable\b", re.IGNORECASE)
VOLATILE = re.compile(
    r"\b(now|today|current_date|current_time|current_timestamp|get_current_time|get_current_timestamp"
    r"|transaction_timestamp|localtime|localtimestamp|current_localtime|current_localtimestamp|random|setseed|uuid"
    r"|gen_random_uuid|uuidv4|uuidv7|nextval|currval|current_setting|txid_current|current_query|pg_postmaster_start_time"
    r"|current_connection_id|current_query_id|current_transaction_id|write_log|sleep_ms|tablesample|sample)\b",
    re.IGNORECASE,
)
"""What may give something else over the same rows. A check with such a word in it holds for one build only."""


VARIABLE, ISOLATION = "env:", "isolation"
"""As external inputs are named in traces (see ``freshness/decide.py``)."""


def as_they_are(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Environment variables as they are now, by digest."""
    return tuple((name, _digest(os.environ.get(name))) for name in sorted(names))


def stands(verdict: Verdict) -> bool:
    """Whether what a function could see beside the rows is as it was."""
    return not verdict.environment or verdict.environment == as_they_are(
        name for name, _ in verdict.environment
    )


def changes_by_itself(check: Check) -> bool:
    """Whether a check may find something else in the same rows: then no verdict outlives a build."""
    if isinstance(check.rule, Predicate):
        return not check.rule.steady
    return isinstance(check.rule, (Expression, Offenders)) and VOLATILE.search(check.rule.text) is not None


def rule_digest(check: Check, variables: Mapping[str, Scalar]) -> str:
    """A digest of what is held against the rows. Severity and tolerance are not in it: they decide afterwards."""
    rule: object = check.rule
    if isinstance(check.rule, Offenders):
        rule = ["query", check.rule.fingerprint]
    given = None
    if isinstance(check.rule, Predicate):
        recipe = check.rule.recipe
        packages = [(name, release_series(version)) for name, version in recipe.packages]
        rule = ["python", recipe.fingerprint, packages, [(one.parameter, one.key) for one in recipe.inputs]]
        given = sorted((name, repr(value)) for name, value in settings_of(recipe.settings, variables).items())
    if isinstance(check.rule, (Expression, Offenders)) and _VARIABLE.search(check.rule.text):
        given = sorted((name, repr(value)) for name, value in variables.items())
    return _digest([_FORM, rule, given])


def verdict_id(asset: Key, rule: str, reads: Sequence[tuple[Key, str]]) -> str:
    """The id of the verdict of a rule on these contents: version ids, or fingerprints of what is read of them."""
    return _digest([asset, rule, reads])


def _digest(value: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(value), digest_size=16).hexdigest()


def passes(check: Check, verdict: Verdict, now: float) -> bool:
    """Whether *check* holds by *verdict*."""
    match check.rule:
        case RowCount(least=least, greatest=greatest):
            return (least is None or verdict.rows >= least) and (greatest is None or verdict.rows <= greatest)
        case Newest(within=within):
            return verdict.newest is not None and now - verdict.newest <= within
        case _:
            return verdict.offenders <= max(check.most, int(check.share * verdict.rows))


def found(check: Check, verdict: Verdict, now: float) -> str:
    """What a verdict has found, as a short phrase of facts."""
    match check.rule:
        case RowCount(least=least, greatest=greatest):
            bounds = [f"at least {least:,}"] if least is not None else []
            bounds += [f"at most {greatest:,}"] if greatest is not None else []
            return f"{_rows(verdict.rows)}, {' and '.join(bounds)} wanted"
        case Newest(column=column, within=within):
            if verdict.newest is None:
                return f"there is no value in {column}"
            newest = datetime.fromtimestamp(verdict.newest, UTC).strftime("%Y-%m-%d %H:%M:%S")
            age = _length(now - verdict.newest)
            return f"the newest {column} is {newest} UTC, {age} ago; {_length(within)} allowed"
        case _:
            allowed = ""
            if verdict.message:
                return verdict.message
            if check.share:
                allowed = f", {check.share:.4%} of them allowed".replace("0%", "%")
            elif check.most:
                allowed = f", {check.most:,} allowed"
            told = f"{verdict.offenders:,} of {_rows(verdict.rows)}"
            if isinstance(check.rule, (Offenders, Predicate)):
                told = f"{_rows(verdict.offenders)}"
            return f"{told}{' offend' if verdict.offenders != 1 else ' offends'}{allowed}"


def result(
    asset: Key,
    check: Check,
    verdict: Verdict,
    now: float,
    acceptance: Acceptance | None = None,
    *,
    ran: bool = False,
) -> CheckResult:
    """How *check* stands by *verdict*."""
    if passes(check, verdict, now):
        outcome, detail = CheckOutcome.PASSED, ""
    else:
        detail = found(check, verdict, now)
        outcome = CheckOutcome.FAILED if check.severity is Severity.ERROR else CheckOutcome.WARNED
        if acceptance is not None and outcome is CheckOutcome.FAILED:
            outcome = CheckOutcome.ACCEPTED
    return CheckResult(
        asset, check.name, outcome, check.severity, detail, verdict.offenders, verdict.rows, verdict.at,
        verdict.seconds if ran else 0.0, ran, None if acceptance is None else acceptance.because, check.place,
    )  # fmt: skip


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _length(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if abs(seconds) >= size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} s"
