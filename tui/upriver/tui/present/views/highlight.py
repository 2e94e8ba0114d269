"""Code as lines of (text, role of the styles). Pygments is loaded when the first code is shown."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

Token: TypeAlias = tuple[str, str]

_ROLES = (
    ("Token.Comment", "faint"),
    ("Token.Literal.String.Doc", "muted"),
    ("Token.Literal.String", "fresh"),
    ("Token.Literal.Number", "missing"),
    ("Token.Keyword", "primary"),
    ("Token.Operator.Word", "primary"),
    ("Token.Name.Function", "accent"),
    ("Token.Name.Decorator", "accent"),
    ("Token.Name.Builtin", "accent"),
    ("Token.Operator", "muted"),
    ("Token.Punctuation", "muted"),
)


@lru_cache(maxsize=64)
def highlighted(text: str, language: str) -> tuple[tuple[Token, ...], ...]:
    """The lines of *text*, written in ``sql`` or ``python``."""
    from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]
    from pygments.lexers.sql import SqlLexer  # type: ignore[import-untyped]

    lexer = PythonLexer(stripnl=False) if language == "python" else SqlLexer(stripnl=False)
    lines: list[list[Token]] = [[]]
    for kind, value in lexer.get_tokens(text):
        role = _role(str(kind))
        for number, piece in enumerate(value.split("\n")):
            if number:
                lines.append([])
            if piece:
                lines[-1].append((piece, role))
    while lines and not lines[-1]:
        lines.pop()
    return tuple(tuple(line) for line in lines)


def _role(kind: str) -> str:
    return next((role for name, role in _ROLES if kind.startswith(name)), "text")
