"""Redaction: replaces the values of secrets in whatever is shown or stored."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator

SHORTEST = 4
"""Shorter values are left: they would hide half of every text, and are no secrets."""

PIECE = 8
"""Characters from which on a piece of a value is hidden, where a text was cut or wrapped inside of it."""


class Redactor:
    """Puts the names of secrets in the place of their values, in whatever is to be shown or kept.

    Found are a value and each of its lines, plain and as texts are usually written into others: quoted for JSON,
    Python, SQL, HTML, a URL or a shell, in hexadecimal and in base64, there also in the middle of something longer.
    Of long values also pieces: libraries shorten and wrap what they show.
    """

    def __init__(self, tell: Callable[[str, str], None] = lambda name, value: None) -> None:
        self.tell = tell
        """Called with name and value before a value that is new is first returned to a recipe."""
        self.weak: set[str] = set()
        """The names of those whose values are too short to be hidden."""
        self._forms: dict[str, str] = {}
        self._pieces: dict[str, str] = {}
        self._faint: set[str] = set()  # pieces that count beside others only
        self._compiled: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, name: str, value: str) -> None:
        """Hide *value* from now on."""
        if len(value) < SHORTEST:
            if value:
                self.weak.add(name)
            return
        with self._lock:
            if value in self._forms:
                return
            self.tell(name, value)
            shown = f"[secret {name}]"
            forms, pieces, faint = {**self._forms, value: shown}, dict(self._pieces), set(self._faint)
            lines = [line.strip() for line in value.splitlines()]
            for text in {value, *lines}:
                if len(text) < SHORTEST:
                    continue
                for whole in (text, *_encoded(text)):
                    for piece in _pieces(whole):
                        if piece in pieces or piece in faint:
                            continue
                        if _tells(piece):
                            pieces[piece] = shown
                        else:
                            faint.add(piece)
                if text != value or len(lines) < 2:  # no text that is shown has all lines as they are
                    forms.setdefault(text, shown)
                    forms |= {
                        form: shown
                        for form in _forms(text)
                        if form not in forms and not _made_of(form, pieces)
                    }
            # Another thread may be redactor by what there is.
            self._forms, self._pieces, self._faint, self._compiled = forms, pieces, faint, None

    @property
    def used(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._forms)

    @property
    def _pattern(self) -> re.Pattern[str] | None:
        if self._compiled is None and self._forms:
            with self._lock:
                self._compiled = re.compile(_any_of(self._forms))
        return self._compiled

    @property
    def longest(self) -> int:
        """Characters of the longest text that is looked for."""
        return max(map(len, self._forms), default=0)

    def finds(self, text: str) -> bool:
        """Whether a secret, or a piece of one, is in *text*."""
        pattern = self._pattern
        known = pattern is not None and pattern.search(text) is not None
        return known or next(self._runs(text), None) is not None

    def whole(self, text: str) -> str | None:
        """What stands for the secret whose value, or a long piece of it, is in *text*; None when there is none.

        A short word is not taken for one: a database called `prod` says nothing about a column of products.
        """
        pattern = self._pattern
        for found in () if pattern is None else pattern.finditer(text):
            if len(found[0]) >= PIECE or _tells(found[0]):
                return self._forms[found[0]]
        return next((shown for start, stop, shown in self._runs(text) if stop - start >= 2 * PIECE), None)

    def hide(self, text: str) -> str:
        """*text* without secrets."""
        pattern = self._pattern
        if pattern is None:
            return text
        text = pattern.sub(lambda match: self._forms[match[0]], text)
        parts: list[str] = []
        end = 0
        for start, stop, shown in self._runs(text):
            parts += (text[end:start], shown)
            end = stop
        return "".join((*parts, text[end:])) if parts else text

    def _runs(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where pieces that follow each other begin and end in *text*, and what to show there."""
        pieces, faint = self._pieces, self._faint
        if not pieces:
            return
        position, end, last = 0, 0, len(text) - PIECE
        while position <= last:
            shown = pieces.get(text[position : position + PIECE])
            if shown is None:
                position += 1
                continue
            start, stop = position, position + PIECE
            while start > end and text[start - 1 : start - 1 + PIECE] in faint:
                start -= 1
            # A piece that overlaps belongs to it, also one a little on.
            while position < last and position < stop:
                position += 1
                piece = text[position : position + PIECE]
                if piece in pieces or piece in faint:
                    stop = position + PIECE
            position = end = stop
            yield start, stop, shown


revealed = Redactor()
"""What has been revealed in this process."""


def _tells(piece: str) -> bool:
    """Whether *piece* is no ordinary word: `postgresql://` at the head of a secret must not be hidden everywhere."""
    return any(map(str.isdigit, piece)) or (any(map(str.islower, piece)) and any(map(str.isupper, piece)))


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(len(text) - PIECE + 1))


def _made_of(form: str, pieces: Container[str]) -> bool:
    """Whether each character of *form* is in one of *pieces*: it is hidden with them, and need not be looked for."""
    hidden = 0
    for start, piece in enumerate(_pieces(form)):
        if piece in pieces:
            hidden = start + PIECE
        elif start >= hidden:
            return False
    return hidden == len(form)


def _any_of(forms: Iterable[str]) -> str:
    """A pattern for the longest of *forms*. By their first characters: one is looked for among a few, not among all."""
    by_first = defaultdict(list)
    for form in sorted(forms, key=len, reverse=True):
        by_first[form[0]].append(re.escape(form[1:]))
    return "|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in by_first.items())


def _forms(value: str) -> Iterator[str]:
    """How *value* is written in texts, itself among them."""
    import html  # most processes never hide anything
    import json
    import shlex
    from urllib.parse import quote, quote_plus

    data = value.encode("utf-8")
    quoted = {
        value,
        repr(value)[1:-1],
        ascii(value)[1:-1],
        repr(data)[2:-1],
        value.replace("'", "''"),
        value.replace('"', '""'),
        value.replace("'", "'\"'\"'"),
        shlex.quote(value),
        html.escape(value),
        html.escape(value, quote=False),
    }
    if len(latin := value.encode("latin-1", "replace")) == len(value):
        quoted.add(latin.decode("utf-8", "surrogateescape"))  # printed by a process in an old locale
    for once in quoted:
        yield once
        for level in (json.dumps(once)[1:-1], json.dumps(once, ensure_ascii=False)[1:-1]):
            yield level
            yield json.dumps(level)[1:-1]
    for address in (quote(data, safe=""), quote(data), quote_plus(data), quote_plus(data, safe="/")):
        yield address
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), address)
    yield from _encoded(value)
    for between in (" ", ":", "-"):
        yield data.hex(between)
        yield data.hex(between).upper()


def _encoded(value: str) -> Iterator[str]:
    """*value* in hexadecimal, and in base64 as it is written wherever in a longer text it begins and ends."""
    import base64

    data = value.encode("utf-8")
    yield data.hex()
    yield data.hex().upper()
    for before in range(3):
        whole = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        # The first and the last characters also depend on what is before and behind.
        inner = whole[-(-before * 4 // 3) : (before + len(data)) * 4 // 3]
        texts = (inner,) if before else (whole, inner)
        for text in texts:
            if len(text) >= SHORTEST:
                yield text
                yield text.replace("+", "-").replace("/", "_")
