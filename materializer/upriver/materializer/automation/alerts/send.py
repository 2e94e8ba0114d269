"""Sending: a message goes to an address by apprise, or to a program as JSON on its input."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from upriver.assets.declare.secret import Secret
from upriver.assets.errors import AssetError
from upriver.assets.project.alerts import SECRET
from upriver.assets.support.redaction import revealed
from upriver.materializer.automation.alerts import text
from upriver.materializer.automation.alerts.outbox import Ending
from upriver.materializer.automation.alerts.routing import Target
from upriver.materializer.ports import Incident, Message

PATIENCE = 60.0
"""Seconds that a program or an address is given."""

_HEADERS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})
"""Schemes of apprise that take headers of HTTP."""

_REFUSED = re.compile(
    r"Connection refused|Failed to establish a new connection|Failed to resolve|Name or service not known"
    r"|Temporary failure in name resolution|ConnectTimeout|No route to host|Network is unreachable"
    r"|SMTPRecipientsRefused|SMTPSenderRefused|SMTPAuthenticationError|SMTPConnectError"
)
_ANSWERED = re.compile(r"\berror=(\d{3})\b")
_BETWEEN = frozenset({"502", "504"})
"""Answers of a proxy, which does not know what became of the request."""


class Send:
    """See :class:`upriver.materializer.automation.alerts.outbox.Sender`. *document* makes the JSON of an incident."""

    def __init__(
        self, root: Path, project: str, document: Callable[[Incident], Mapping[str, object]]
    ) -> None:
        self._root = root
        self._project = project
        self._document = document

    def __call__(self, target: Target, messages: Sequence[Message]) -> tuple[Ending, str]:
        """Deliver *messages* together."""
        if target.command:
            return self._run(target.command, messages)
        return self._notify(target.address, messages)

    def _run(self, command: Sequence[str], messages: Sequence[Message]) -> tuple[Ending, str]:
        given = {
            "project": self._project,
            "messages": [
                {
                    "key": one.key,
                    "transition": one.transition.value,
                    "possibly_repeated": one.repeated,
                    "incident": self._document(one.incident),
                }
                for one in messages
            ],
        }
        document = revealed.hide(json.dumps(given))
        try:
            done = subprocess.run(
                command,
                input=document.encode(),
                cwd=self._root,
                env={**os.environ, "UPRIVER_KEY": messages[0].key},
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Ending.UNKNOWN, f"{command[0]} did not end within {PATIENCE:.0f} s"
        except OSError as error:
            return Ending.FAILED, f"{command[0]} can't be run: {error.strerror}"
        if done.returncode == 0:
            return Ending.DELIVERED, ""
        if done.returncode < 0:
            return Ending.UNKNOWN, f"{command[0]} was ended by signal {-done.returncode}"
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        return Ending.FAILED, revealed.hide(f"{command[0]} ended with {done.returncode}: {said}".rstrip(": "))

    def _notify(self, address: str, messages: Sequence[Message]) -> tuple[Ending, str]:
        try:
            import apprise
        except ImportError:
            return Ending.FAILED, "addresses need apprise: pip install 'upriver[alerts]'"
        scheme = address.partition(":")[0]
        try:
            url = SECRET.sub(self._secret, address)
        except AssetError as error:
            return Ending.FAILED, str(error)
        if scheme.lower() in _HEADERS and len(messages) == 1:
            url += ("&" if "?" in url else "?") + f"+Idempotency-Key={quote(messages[0].key)}"
        told = apprise.Apprise()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its plugins: nothing here can be done about them
            known = told.add(url)
        if not known:
            return Ending.FAILED, f"apprise does not understand the address {scheme}://…"
        with apprise.LogCapture(level=logging.DEBUG) as log:  # type: ignore[no-untyped-call]
            good = told.notify(body=text.body(messages), title=text.title(self._project, messages))
            said = log.getvalue()
        return (Ending.DELIVERED, "") if good else _ending(scheme, said)

    def _secret(self, found: re.Match[str]) -> str:
        return quote(Secret(found[1], str(self._root)).reveal(), safe="")


def _ending(scheme: str, said: str) -> tuple[Ending, str]:
    """What apprise's log tells of a failure, without a word of it: it holds the address."""
    answers: list[str] = _ANSWERED.findall(said)
    if answers:
        unknown = answers[-1] in _BETWEEN
        return Ending.UNKNOWN if unknown else Ending.FAILED, f"{scheme}://… answered with {answers[-1]}"
    if _REFUSED.search(said):
        return Ending.FAILED, f"{scheme}://… can't be reached, or has refused it"
    return Ending.UNKNOWN, f"{scheme}://… was lost while it was told"
