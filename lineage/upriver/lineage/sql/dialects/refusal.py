"""Refusal of a construct that can't be translated, with its place in the user's text."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from upriver.assets.errors import Diagnosis, caret_excerpt
from upriver.assets.model import Place


class Refused(Exception):
    """A construct has no equal in DuckDB. *about_types* says that it may have one once the types are known."""

    def __init__(
        self, node: exp.Expr, message: str, hint: str | None = None, *, about_types: bool = False
    ) -> None:
        super().__init__(message)
        self.node = node
        self.message = message
        self.hint = hint
        self.about_types = about_types


class Origin:
    """The user's text in tokens, and where a node of its tree stands there."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text = text
        self._tokens = tokens

    def span(self, node: exp.Expr) -> tuple[int, int]:
        """The offsets of the word or operator that stands for *node*, the second exclusive."""
        if isinstance(node, exp.Func | exp.Identifier | exp.Literal | exp.Star) and "start" in node.meta:
            return int(node.meta["start"]), int(node.meta["end"]) + 1
        if isinstance(node, exp.Binary) and (found := self._operator(node)):
            return found
        covered = _covered(node)
        if covered is None:
            return (0, 1) if node.parent is None else self._within(node.parent)
        if isinstance(node, exp.Cast) and (found := self._double_colon(node)):
            return found
        if isinstance(node, exp.Func | exp.Unary) or type(node) in _KEYWORDS:
            return self._before(node, covered[0])
        return self._first_token(covered[0])

    def _within(self, node: exp.Expr) -> tuple[int, int]:
        covered = _covered(node)
        return (
            (0, max(1, len(self.text.partition("\n")[0])))
            if covered is None
            else self._first_token(covered[0])
        )

    def _operator(self, node: exp.Binary) -> tuple[int, int] | None:
        """The operator: the last token between its sides that opens nothing of the right one."""
        left, right = _covered(node.left), _covered(node.right)
        if left is None:
            return None
        end = len(self.text) if right is None else right[0]
        between = [token for token in self._tokens if left[1] <= token.start < end]
        if right is None:
            return next(((one.start, one.end + 1) for one in between if one.text != ")"), None)
        opens = False
        for token, before in zip(reversed(between), [*reversed(between[:-1]), None], strict=True):
            text = token.text.lower()
            sign = (
                text in ("-", "+")
                and before is not None
                and not before.text[-1:].isalnum()
                and before.text != ")"
            )
            if (
                text == "("
                or sign
                or text in ("case", "when", "select", "distinct")
                or (opens and text.isidentifier())
            ):
                opens = text == "("
                continue
            doubled = before is not None and before.end + 1 == token.start and before.text in ("<", ">")
            return before.start if doubled and before is not None else token.start, token.end + 1
        return None

    def _double_colon(self, node: exp.Cast) -> tuple[int, int] | None:
        value = _covered(node.this)
        after = [
            one for one in self._tokens if value is not None and one.start >= value[1] and one.text != ")"
        ]
        return next(((one.start, one.end + 1) for one in after[:1] if one.text == "::"), None)

    def _before(self, node: exp.Expr, start: int) -> tuple[int, int]:
        """The word that opens what holds *start*: the name of a function, or an operator in front."""
        names = set(_KEYWORDS.get(type(node), ()))
        if isinstance(node, exp.Func):
            names |= {name.upper() for name in node.sql_names()}
        before = [token for token in self._tokens if token.start < start]
        for token in reversed(before):
            if token.text.upper() in names:
                return token.start, token.end + 1
        depth = 0
        for opening, name in zip(reversed(before), reversed(before[:-1]), strict=False):
            depth += {")": 1, "(": -1}.get(opening.text, 0)
            if depth < 0:
                return name.start, name.end + 1
        return self._first_token(start)

    def _first_token(self, start: int) -> tuple[int, int]:
        for token in self._tokens:
            if token.start <= start <= token.end:
                return token.start, token.end + 1
        return start, start + 1

    def written(self, node: exp.Expr) -> str:
        """The word or operator as the user wrote it."""
        start, end = self.span(node)
        return self.text[start:end].strip() or type(node).__name__


_KEYWORDS: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Group: ("GROUP", "GROUP BY"),
    exp.Order: ("ORDER", "ORDER BY"),
    exp.Limit: ("LIMIT", "TOP"),
    exp.Fetch: ("FETCH",),
    exp.Qualify: ("QUALIFY",),
    exp.Join: ("JOIN",),
    exp.Select: ("SELECT",),
    exp.Distinct: ("DISTINCT",),
    exp.Lateral: ("LATERAL",),
    exp.Interval: ("INTERVAL",),
    exp.Cast: ("CAST", "CONVERT", "SAFE_CAST", "TRY_CAST"),
    exp.TryCast: ("CAST", "TRY_CAST", "SAFE_CAST"),
}


_COVERED = "upriver_covered"


def mark_places(nodes: Sequence[exp.Expr]) -> None:
    """Note on each of *nodes*, children after their parents, what it covers of the text."""
    for node in reversed(nodes):
        inner = [child.meta[_COVERED] for child in node.iter_expressions() if _COVERED in child.meta]
        if "start" in node.meta:
            inner.append((int(node.meta["start"]), int(node.meta["end"]) + 1))
        if inner:
            node.meta[_COVERED] = (min(start for start, _ in inner), max(end for _, end in inner))


def take_place(made: exp.Expr, node: exp.Expr) -> None:
    """Let *made*, which stands for *node*, cover what *node* covered."""
    if _COVERED in node.meta:
        made.meta[_COVERED] = node.meta[_COVERED]


def _covered(node: exp.Expr) -> tuple[int, int] | None:
    found: tuple[int, int] | None = node.meta.get(_COVERED)
    return found


def diagnosis(refused: Refused, origin: Origin, dialect: str, path: str | None, first_line: int) -> Diagnosis:
    """*refused* as a diagnosis at its place in the file."""
    start, end = origin.span(refused.node)
    return located(
        "sql-dialect", refused.message, origin.text, (start, end), path, first_line, refused.hint or _HINT
    )


_HINT = "write this asset in DuckDB's SQL, without `dialect:` in its header"


def located(
    code: str,
    message: str,
    text: str,
    span: tuple[int, int],
    path: str | None,
    first_line: int,
    hint: str | None,
) -> Diagnosis:
    """A diagnosis with a caret under *span* of *text*, which begins at *first_line* of the file."""
    start, end = span
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    place = Place(path or "<query>", first_line + line - 1, column)
    excerpt = caret_excerpt(text, line, column, end - start, shown_line=place.line)
    return Diagnosis(code, message, place, hint=hint, excerpt=excerpt)
