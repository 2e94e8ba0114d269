"""Refusals in words, of denials that can't be granted: what was tried, where, and what to declare for it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from upriver.assets.declare.paths import base_folder, write_pattern
from upriver.assets.model import Permissions
from upriver.materializer.execution.local.confinement.policy import contains
from upriver.materializer.execution.local.denials import Act, Denied
from upriver.materializer.execution.local.grants import MOST_REPETITIONS, Granted

_NETWORK = re.compile(
    r"connection (?:refused|error|reset)|network is unreachable|name resolution|resolve host|dns error"
    r"|could not resolve|error sending request|failed to connect|connecterror|socket",
    re.IGNORECASE,
)
_PROCESSES = re.compile(
    r"/proc\b|/dev/shm|AccessDenied: \(?pid|sem_open|semaphore|shared.?memory", re.IGNORECASE
)
_CREDENTIALS = re.compile(
    r"credential|unauthori[sz]ed|forbidden|\b40[13]\b|access.?denied|api.?key|token|authenticat|password|signature",
    re.IGNORECASE,
)


def refusals(denied: Iterable[Denied], root: str) -> tuple[str, ...]:
    """One sentence for each of *denied*, with what to do."""
    return tuple(dict.fromkeys(_refusal(one, root) for one in denied))


def _refusal(one: Denied, root: str) -> str:
    who = one.line or "it"
    shown = os.path.relpath(one.path, root) if contains(root, one.path) else one.path
    match one.act:
        case Act.CONNECT:
            return f"{who} uses the network, which is not declared\n  hint: write network=True"
        case Act.WRITE:
            return f"{who} writes {shown}, which is not declared\n  hint: {_write_hint(shown, root, one)}"
        case Act.MATCH if base_folder(shown) == "" or one.real == root:
            return (
                f"{who} reads files by a pattern in the project's own folder ({shown}), where .upriver is as well\n"
                "  hint: put them into a folder of their own, or declare a source"
            )
        case _:
            pass
    if contains(f"{root}/.upriver", one.real) or contains(f"{root}/.upriver", one.path):
        return (
            f"{who} reads {shown}, which is Upriver's own\n"
            "  hint: another asset's content is handed to a parameter that has its name"
        )
    verb = "lists" if one.act is Act.LIST else "reads"
    real = "" if one.path == one.real or contains(root, one.real) else f", which leads to {one.real}"
    return (
        f"{who} {verb} {shown}{real}: that is outside of the project\n"
        f'  hint: allow it for all with allow_read = ["{one.real}"] in [build] of upriver.toml, or copy it here'
    )


def _write_hint(shown: str, root: str, one: Denied) -> str:
    scratch = "what is only for itself belongs into a temporary file (tempfile)"
    if contains(f"{root}/.upriver", one.real):
        return scratch
    try:
        return f"write writes=[{write_pattern(shown)!r}]; {scratch}"
    except ValueError:
        return f"write it into a folder of its own: writes=['out/{shown.rpartition('/')[2]}']; {scratch}"


def too_many(granted: Granted) -> str:
    """What to say of an attempt that was made again and again, and each time was denied something more."""
    listed = ", ".join(repr(one) for one in granted.reads())
    return (
        f"it reads more undeclared files than {MOST_REPETITIONS} repetitions have found\n"
        f"  hint: declare them, by patterns where there are many: reads=[{listed}]"
    )


def advice(error: str, permissions: Permissions, *, confined: bool) -> str:
    """A hint for an error that may come from what a confined process is not given; empty if there is none."""
    if not confined:
        return ""
    if not permissions.processes and _PROCESSES.search(error):
        return "\n  hint: if it works with processes of its own, or looks at them, write processes=True"
    if permissions.network and _CREDENTIALS.search(error):
        return (
            "\n  hint: it is given only the environment variables that it declares, and no file of the home folder: "
            "write environment=['AWS_*'] (or what it needs), or use secret(...)"
        )
    if not permissions.network and _NETWORK.search(error):
        return "\n  hint: if it needs the network, write network=True"
    return ""
