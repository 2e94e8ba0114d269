"""The mutants of a module: its text with one small thing changed, by the operators of cosmic-ray."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names


@dataclass(frozen=True)
class Mutant:
    """A module's *text* that differs from what it should be at *line*: *now* stands there instead of *before*."""

    line: int
    before: str
    now: str
    text: str


def mutants(text: str) -> Iterator[Mutant]:
    """All mutants of a module but those that mean the same, see :class:`_Normal`."""
    original = _meaning(text)
    seen = {text}
    nodes = list(ast_nodes(get_ast(text)))
    for name in operator_names():
        operator_class = get_operator(name)
        if operator_class.arguments():
            continue  # needs to be told what to put in the place of what
        operator = operator_class()
        count = sum(len(list(operator.mutation_positions(node))) for node in nodes)
        for occurrence in range(count):
            try:
                mutated = mutate_code(text, operator, occurrence)
            except AttributeError:
                continue  # it can't put another exception in the place of one with a dotted name
            if mutated is None or mutated in seen:
                continue
            seen.add(mutated)
            try:
                if _meaning(mutated) == original:
                    continue
            except SyntaxError:
                continue  # nothing that could run
            yield _mutant(text, mutated)


def _mutant(text: str, mutated: str) -> Mutant:
    old, new = text.splitlines(), mutated.splitlines()
    first = next(i for i, (one, other) in enumerate(zip(old, new, strict=False)) if one != other)
    rest_old, rest_new = old[first:], new[first:]
    while rest_old and rest_new and rest_old[-1] == rest_new[-1]:
        rest_old.pop()
        rest_new.pop()
    before, now = (" ".join(" ".join(lines).split()) for lines in (rest_old, rest_new))
    return Mutant(first + 1, before, now, mutated)


class _Normal(ast.NodeTransformer):
    """Takes away what makes no difference.

    Annotations are text (``from __future__ import annotations``), but for those of a class's fields: what is made of
    them (structs, dataclasses) depends on them. Members of enumerations are equal when they are the same. Imports for
    type checkers take time and do nothing else.
    """

    def visit_If(self, node: ast.If) -> ast.If:
        self.generic_visit(node)
        if any(isinstance(one, ast.Name) and one.id == "TYPE_CHECKING" for one in ast.walk(node.test)):
            node.test = ast.Constant(True)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        if all(_is_member(one) for one in node.comparators):
            equal = {ast.Is: ast.Eq, ast.IsNot: ast.NotEq}
            node.ops = [equal.get(type(op), type(op))() for op in node.ops]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        # The operators take the star of a signature for a multiplication; where it stands matters to callers alone.
        self.generic_visit(node)
        node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
        node.defaults += [default for default in node.kw_defaults if default is not None]
        node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        node.body = [_unannotated(statement) for statement in node.body]
        return node


def _is_member(node: ast.expr) -> bool:
    """Whether it looks like ``State.FRESH``."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr.isupper()
        and isinstance(node.value, ast.Name)
        and node.value.id.istitle()
    )


def _unannotated(statement: ast.stmt) -> ast.stmt:
    if isinstance(statement, ast.AnnAssign):
        statement.annotation = ast.Constant("")
    return statement


def _meaning(text: str) -> str:
    return ast.dump(_Normal().visit(ast.parse(text)))


def reached_lines(text: str, line: int) -> range | None:
    """The lines whose being run means that *line* is: its statement, or the head of its block.

    None for what runs on import: then no test can be left out.
    """
    inside: ast.stmt | None = None
    in_function = False
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno <= line <= (node.end_lineno or 0):
            in_function = True
        if (
            isinstance(node, ast.stmt)
            and node.lineno <= line <= (node.end_lineno or 0)
            and (inside is None or node.lineno >= inside.lineno)
        ):
            inside = node
    if inside is None or not in_function or isinstance(inside, ast.FunctionDef):
        return None
    body = getattr(inside, "body", None) or getattr(inside, "cases", None)
    if not body:
        return range(inside.lineno, (inside.end_lineno or inside.lineno) + 1)
    begin = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
    return range(inside.lineno, max(begin.lineno, inside.lineno + 1))
