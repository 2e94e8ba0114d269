"""Problems as values (diagnoses) and exceptions.

::

    UpriverError                 anything Upriver raises on purpose; str() is the whole message
    ├── DeclarationError         one or more diagnoses: the project as declared can't be used (exit 2)
    ├── UsageError               the command or call was wrong: an unknown key, a bad option (exit 2)
    ├── AssetError               a recipe failed (exit 1)
    ├── StoreError               the disk or the state refused or is damaged
    └── BusyError                another build holds the project (exit 4)
"""

from __future__ import annotations

from collections.abc import Iterable

from upriver.assets.model import Place, Value


class Correction(Value, frozen=True):
    """The name *written* at a diagnosis's place is surely *meant* to be another."""

    written: str
    meant: str


class Diagnosis(Value, frozen=True):
    """One thing that is wrong: a sentence, the place, the facts, and what to do.

    *code* is a short stable name (``unknown-upstream``). *excerpt* is a piece of the file with a caret or
    the user's own traceback, ready to print. *key* is the asset concerned, when there is one. *correction* is there
    when it is certain what has to stand at *place* instead.
    """

    code: str
    message: str
    place: Place | None = None
    facts: tuple[str, ...] = ()
    hint: str | None = None
    excerpt: str | None = None
    key: str | None = None
    correction: Correction | None = None

    def __str__(self) -> str:
        lines = [f"{self.place}: {self.message}" if self.place else self.message]
        if self.excerpt:
            lines += ["  " + line for line in self.excerpt.rstrip("\n").split("\n")]
        lines += [f"  {fact}" for fact in self.facts]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class UpriverError(Exception):
    """Base of all errors that Upriver raises on purpose. The message is meant for the user."""


class DeclarationError(UpriverError):
    """The project can't be used as declared. *diagnoses* holds every problem found, not just the first."""

    def __init__(self, diagnoses: Iterable[Diagnosis]) -> None:
        self.diagnoses = tuple(diagnoses)
        super().__init__("\n\n".join(str(d) for d in self.diagnoses))


class UsageError(UpriverError):
    """The command or call was wrong; nothing was done."""


class AssetError(UpriverError):
    """A recipe failed: what it raised, or what ended its process."""


class StoreError(UpriverError):
    """The store or the state can't be read or written, or is damaged. Nothing acknowledged was lost."""


class BusyError(UpriverError):
    """Another build holds the project."""


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A sentence with the nearest of *known* names, or None when nothing is near."""
    import difflib  # here, because every command imports this module and few need a suggestion

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else None


_CLEARLY_NEARER = 0.2


def correction_of(name: str, known: Iterable[str]) -> Correction | None:
    """What *name* is surely meant to be among *known*: the only one that is near, or by far the nearest of several."""
    import difflib

    near = difflib.get_close_matches(name, sorted({*known} - {name}), n=2, cutoff=0.6)
    if not near:
        return None
    first, *others = (difflib.SequenceMatcher(None, one, name).ratio() for one in near)
    if others and first - others[0] < _CLEARLY_NEARER:
        return None
    return Correction(name, near[0])


_LONGEST_LINE = 120


def caret_excerpt(text: str, line: int, column: int, width: int = 1, shown_line: int | None = None) -> str:
    """Line *line* of *text* (both from 1) with a caret under *column*; *shown_line* is the number printed.

    Of a long line (generated queries are often one) only what is around the caret.
    """
    lines = text.split("\n")
    content = lines[line - 1].expandtabs(1) if 0 < line <= len(lines) else ""
    if len(content) > _LONGEST_LINE:
        start = max(0, min(column - 1 - _LONGEST_LINE // 2, len(content) - _LONGEST_LINE))
        before, after = "… " if start else "", " …" if start + _LONGEST_LINE < len(content) else ""
        column += len(before) - start
        content = f"{before}{content[start : start + _LONGEST_LINE]}"
        width = min(width, len(content) - column + 1)
        content += after
    number = str(line if shown_line is None else shown_line)
    return f"{number} | {content}\n{' ' * len(number)} | {' ' * (column - 1)}{'^' * max(1, width)}"
