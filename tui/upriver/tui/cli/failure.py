"""Failure of a command as it is reported: a sentence, the place, a hint, and the exit code."""

from __future__ import annotations

import textwrap
import traceback
from collections.abc import Mapping
from typing import Any

from upriver.assets.errors import (
    AssetError,
    BusyError,
    DeclarationError,
    StoreError,
    UpriverError,
    UsageError,
)
from upriver.tui.cli.arguments import WrongUsage
from upriver.tui.cli.signals import Stopped, exit_code
from upriver.tui.present.json.causes import diagnosis_document
from upriver.tui.present.spans import EMPTY, Line, Span, line
from upriver.tui.present.text.diagnoses import diagnoses_lines
from upriver.tui.present.words import plural

DONE = 0
FAILED = 1
WRONG = 2
STALE = 3
BUSY = 4
INTERRUPTED = 130


class Failure:
    """An exception as the user sees it. *kind* is the stable name in JSON."""

    def __init__(self, error: BaseException, environ: Mapping[str, str]) -> None:
        self.error = error
        self.debug = bool(environ.get("UPRIVER_DEBUG"))
        self.kind, self.code = _classify(error)

    @property
    def message(self) -> str:
        """The sentence."""
        match self.error:
            case WrongUsage():
                return self.error.message
            case DeclarationError():
                return f"{plural(len(self.error.diagnoses), 'problem')} in the project's declarations"
            case KeyboardInterrupt():
                return "interrupted"
            case UpriverError():
                return _split_hint(str(self.error))[0]
            case OSError() if self.error.strerror:
                where = f": {self.error.filename}" if self.error.filename else ""
                return f"{self.error.strerror}{where}"
            case _:
                return (
                    f"{type(self.error).__name__}: {self.error}"
                    if str(self.error)
                    else type(self.error).__name__
                )

    @property
    def hint(self) -> str | None:
        """What to do."""
        if isinstance(self.error, WrongUsage):
            return self.error.hint
        if isinstance(self.error, UpriverError) and not isinstance(self.error, DeclarationError):
            return _split_hint(str(self.error))[1]
        return None

    def document(self) -> dict[str, Any]:
        """The JSON document that stands in the answer's place."""
        diagnoses = self.error.diagnoses if isinstance(self.error, DeclarationError) else ()
        return {
            "error": {
                "kind": self.kind,
                "message": self.message,
                "hint": self.hint,
                "diagnoses": [diagnosis_document(diagnosis) for diagnosis in diagnoses],
            }
        }

    def lines(self) -> list[Line]:
        """What stderr gets."""
        if self.kind == "interrupted":
            return [line(Span("interrupted", "yellow"))]
        if isinstance(self.error, DeclarationError):
            return [
                *diagnoses_lines(self.error.diagnoses),
                EMPTY,
                line(Span(self.message, "bold"), "; nothing ran"),
            ]
        first, _, rest = self.message.partition("\n")
        others = textwrap.dedent(rest).split("\n") if rest else []
        lines = [
            line(Span("error:", "bold red"), " ", first),
            *(line("  ", other) for other in others),
        ]
        if self.kind == "internal":
            lines[0] = line(Span("error:", "bold red"), " this should not have happened: ", first)
            lines += _where(self.error)
        if self.hint:
            lines.append(line(Span("hint:", "cyan"), " ", self.hint))
        if self.debug:
            text = "".join(traceback.format_exception(self.error)).rstrip("\n")
            lines += [EMPTY, *(line(Span(row, "dim")) for row in text.split("\n"))]
        elif self.kind == "internal":
            lines.append(line(Span("hint:", "cyan"), " UPRIVER_DEBUG=1 shows the whole traceback"))
        return lines


def _classify(error: BaseException) -> tuple[str, int]:
    match error:
        case WrongUsage() | UsageError():
            return "usage", WRONG
        case DeclarationError():
            return "declaration", WRONG
        case BusyError():
            return "busy", BUSY
        case AssetError():
            return "asset", FAILED
        case StoreError():
            return "store", FAILED
        case UpriverError():
            return "error", FAILED
        case Stopped():
            return "interrupted", exit_code(error.number)
        case KeyboardInterrupt():
            return "interrupted", INTERRUPTED
        case OSError():
            return "system", FAILED
        case _:
            return "internal", FAILED


def _split_hint(text: str) -> tuple[str, str | None]:
    """Take a last ``hint: …`` line off a message."""
    head, mark, hint = text.rpartition("hint: ")
    if mark and "\n" not in hint and (not head or head.rstrip(" ").endswith("\n")):
        return head.rstrip(), hint
    return text, None


def _where(error: BaseException) -> list[Line]:
    frames = traceback.extract_tb(error.__traceback__)
    return [line(Span(f"  in {frames[-1].filename}:{frames[-1].lineno}", "dim"))] if frames else []
