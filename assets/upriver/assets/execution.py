"""Execution of a recipe, as values: limits, retries, what it may touch."""

from __future__ import annotations

from upriver.assets.value import Value


class Retry(Value, frozen=True):
    """A rule for failures of one kind: those that *on* is about are tried again *times* times.

    *on* is ``memory``, ``timeout``, or a regular expression that is looked for in the error. *backoff* is the first
    wait in seconds; each attempt has *more* times the memory of the one before, and after a failure of memory
    nothing runs
    beside it.
    """

    on: str
    times: int
    backoff: float = 1.0
    more: float = 1.0


class Execution(Value, frozen=True):
    """How a recipe is run: what may go wrong and how much it may take.

    *timeout* is in seconds, *memory* in bytes, *backoff* the first wait between attempts in seconds
    (doubled at each retry, with jitter, at most *backoff_cap*). *retry* are rules that go before *retries*.
    *fallback* is what readers get when it fails: ``last``, its last good content, or a key. With
    *approval* a person has to approve what it is made from.
    """

    retries: int = 0
    backoff: float = 1.0
    backoff_cap: float = 60.0
    timeout: float | None = None
    memory: int | None = None
    pool: str | None = None
    retry: tuple[Retry, ...] = ()
    fallback: str | None = None
    approval: bool = False


class Permissions(Value, frozen=True):
    """What a Python recipe may touch besides what it is handed.

    *reads* are paths and patterns of the project, *writes* patterns (of the project, or absolute) in folders that it
    may write into. *network* lets it use sockets, *processes* the memory that processes share.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    network: bool = False
    processes: bool = False
