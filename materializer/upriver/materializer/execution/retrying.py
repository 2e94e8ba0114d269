"""Failures by kind: which are tried again, when and with how much memory, and which are taken to pass by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping

from upriver.assets.execution import Execution, Retry
from upriver.assets.model import Value

MEMORY = re.compile(
    r"memory limit of|out of memory|OutOfMemory|MemoryError|bad_alloc|killed by signal 9|Cannot allocate memory",
    re.I,
)
TIMEOUT = re.compile(r"ran longer than its timeout|TimeoutError|timed out|ReadTimeout|ConnectTimeout", re.I)
_TRANSIENT = re.compile(
    r"ConnectionError|Connection refused|Connection reset|Temporary failure|Name or service not known|HTTP 5\d\d"
    r"|HTTP 429|status 5\d\d|status 429|Too Many Requests|Service Unavailable|temporarily|No space left on device",
    re.I,
)


class Again(Value, frozen=True):
    """Another attempt is to be made after *wait* seconds, by the rule number *rule* (None: by ``retries``).

    *more* is how many times the memory it gets; *alone* says that nothing may run beside it.
    """

    wait: float
    rule: int | None = None
    more: float = 1.0
    alone: bool = False


def is_about(rule: Retry, error: str) -> bool:
    """Whether *rule* is for failures such as *error*."""
    match rule.on:
        case "memory":
            return MEMORY.search(error) is not None
        case "timeout":
            return TIMEOUT.search(error) is not None
        case pattern:
            return re.search(pattern, error) is not None


def again(
    execution: Execution, error: str, tried: Mapping[int | None, int], jitter: float, *, final: bool
) -> Again | None:
    """What follows from a failure; None: nothing. *tried* counts the attempts that each rule has led to.

    The first rule that is about it decides; what none is about has its ``retries``. A *final* failure would come again.
    """
    if final:
        return None
    for number, rule in enumerate(execution.retry):
        if is_about(rule, error):
            done = tried.get(number, 0)
            if done >= rule.times:
                return None
            wait = pause(rule.backoff, execution.backoff_cap, done + 1, jitter)
            return Again(wait, number, rule.more, rule.on == "memory")
    done = tried.get(None, 0)
    if done >= execution.retries:
        return None
    return Again(pause(execution.backoff, execution.backoff_cap, done + 1, jitter))


def pause(first: float, cap: float, attempt: int, jitter: float) -> float:
    """Seconds to wait after failed attempt number *attempt*: doubling, capped, with *jitter* (0..1) spreading
    it by half.

    This is "equal jitter" of the AWS Architecture Blog, "Exponential Backoff and Jitter" (2015).
    """
    full = min(max(cap, first), first * 2.0 ** (attempt - 1))
    return full / 2 + jitter * full / 2


def is_transient(execution: Execution, error: str) -> bool:
    """Whether a failure may pass though nothing is changed: what a rule is about, and what networks and machines do."""
    if any(is_about(rule, error) for rule in execution.retry):
        return True
    return any(pattern.search(error) for pattern in (MEMORY, TIMEOUT, _TRANSIENT))


def cause_of(error: str) -> str:
    """What two failures of one cause have in common: the first line without numbers, which differ each time."""
    return re.sub(r"0x[0-9a-f]+|\d+", "#", error.strip().partition("\n")[0])
