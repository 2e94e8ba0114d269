"""The text that makes each output column, as the user wrote it. For display only: nothing is decided by it."""

from __future__ import annotations

from upriver.lineage.sql.tokens import Token, tokens

_ENDS = frozenset(
    [
        "from",
        "where",
        "group",
        "having",
        "window",
        "qualify",
        "order",
        "limit",
        "offset",
        "union",
        "intersect",
        "except",
        "using",
        "sample",
    ]
)
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")


def output_expressions(text: str, names: tuple[str, ...]) -> tuple[str | None, ...]:
    """For each output column its expression, None where it is only a column's name or is not known."""
    items = _items(text)
    if len(items) != len(names) or any(item and item[0].text == "*" for item in items):
        return (None,) * len(names)
    return tuple(_expression(text, item, name) for item, name in zip(items, names, strict=True))


def _items(text: str) -> list[list[Token]]:
    """The tokens of each item of the first SELECT list outside parentheses."""
    items: list[list[Token]] = []
    depth, inside, on = 0, False, False
    previous = ""
    for token in tokens(text):
        word = token.text.lower() if token.kind == "word" else token.text
        if word in _CLOSING:
            depth -= 1
        if not inside:
            if depth == 0 and word == "select":
                inside = True
                items.append([])
        elif depth == 0 and word in _ENDS and not (word == "from" and previous == "distinct"):
            break
        elif depth == 0 and word == ",":
            items.append([])
        elif items == [[]] and (on or word in ("distinct", "all", "on")):
            on = word == "on" or (on and not (word == ")" and depth == 0))  # DISTINCT ON (...)
        else:
            items[-1].append(token)
        if word in _OPENING:
            depth += 1
        previous = word
    return items if all(items) else []


def _expression(text: str, item: list[Token], name: str) -> str | None:
    if len(item) > 2 and item[-2].text.lower() == "as":
        item = item[:-2]
    elif len(item) > 2 and item[1].text == ":":
        item = item[2:]
    elif len(item) > 1 and item[-1].name == name and item[-2].text != ".":
        item = item[:-1]
    if all(
        token.text == "." if index % 2 else token.kind in ("word", "quoted")
        for index, token in enumerate(item)
    ):
        return None
    return " ".join(text[item[0].start : item[-1].end].split())
