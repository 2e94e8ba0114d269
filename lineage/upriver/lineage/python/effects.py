"""Effects of importing a module beyond its definitions: ``pl.Config.set_…``, ``random.seed``, patches.

Such statements bear on every function that runs after them, although no function mentions them. Statements
that only fill the project's own objects are not among them (those count by their value at load time), nor are
declarations of assets and sources, nor logging.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from upriver.lineage.python.canonical import canonical
from upriver.lineage.python.names import mentions
from upriver.lineage.python.origin import attribute
from upriver.lineage.python.resolve import Resolver
from upriver.lineage.python.source import SourceFile, imported_module, module_statements
from upriver.lineage.python.values import Sink
from upriver.lineage.python.walk import Piece, Walk

_HARMLESS = frozenset(
    {"logging", "warnings", "typing", "print", "atexit", "faulthandler", "structlog", "rich", "upriver"}
)
_SETTERS = re.compile(
    r"(set|seed|enable|disable|register|install|configure|setup|patch|use|Config)(_.*|[a-z]*)?"
)
_COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)


def effectful_modules(walk: Walk, modules: Iterable[str]) -> Iterator[Piece]:
    """The project modules among *modules* and all that they import whose import does something, once each."""
    seen: set[str] = set()
    stack = [*modules]
    while stack:
        name = stack.pop()
        module = walk.origins.module(name)
        if name in seen or module is None or not walk.origins.is_project_module(module):
            continue
        seen.add(name)
        file = _file(walk, module)
        if file is None:
            continue
        stack.extend(_imports(file, module))
        if _effects(walk, file, module):
            yield Piece("effects", name, module, name)


def describe_effects(walk: Walk, piece: Piece, sink: Sink) -> None:
    """The statements of a module that do something when it is imported, and what they mention."""
    module: ModuleType = piece.value
    file = _file(walk, module)
    if file is None:
        return
    resolver = Resolver(walk, sink, vars(module), f"importing {piece.name}")
    statements = _effects(walk, file, module)
    for statement in statements:
        sink.put(canonical(statement, walk.docstrings))
        for reference in mentions([statement]).references:
            if reference.name in vars(module):
                resolver.follow(reference)
    source = "".join(file.segment(s) for s in statements)
    walk.add_part(piece, sink, file.path, statements[0].lineno, source)


def _file(walk: Walk, module: ModuleType) -> SourceFile | None:
    filename = vars(module).get("__file__")
    return walk.sources.get(filename) if isinstance(filename, str) else None


def _imports(file: SourceFile, module: ModuleType) -> Iterator[str]:
    """The names of the modules that *module* imports when it is imported, packages before their members."""
    for statement in _running(file.tree.body):
        match statement:
            case ast.Import(names=names):
                for alias in names:
                    yield from _with_parents(alias.name)
            case ast.ImportFrom():
                name = imported_module(statement, vars(module))
                yield from _with_parents(name)
                yield from (f"{name}.{alias.name}" for alias in statement.names)


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[: n + 1]) for n in range(len(parts)))


def _running(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module that an import of it may run."""
    waiting = list(reversed(body))
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.If):
            tested = {n.id for n in ast.walk(statement.test) if isinstance(n, ast.Name)}
            tested |= {n.attr for n in ast.walk(statement.test) if isinstance(n, ast.Attribute)}
            if not tested.isdisjoint({"TYPE_CHECKING", "__name__"}):
                waiting += reversed(statement.orelse)
                continue
        yield statement
        if isinstance(statement, _COMPOUND):
            yield from (s for s in module_statements([statement]) if not isinstance(s, _COMPOUND))


def _effects(walk: Walk, file: SourceFile, module: ModuleType) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for statement in file.tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if any(_acts(walk, s, vars(module)) for s in _running([statement])):
            found.append(statement)
    return found


def _acts(walk: Walk, statement: ast.stmt, namespace: dict[str, Any]) -> bool:
    match statement:
        case ast.Expr(value=ast.Call() as call):
            return _call_acts(walk, call, namespace, alone=True)
        case ast.Assign(targets=targets, value=value):
            return any(_patches(walk, t, namespace) for t in targets) or _value_acts(walk, value, namespace)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return _patches(walk, target, namespace)
        case ast.Delete(targets=targets):
            return any(_patches(walk, t, namespace) for t in targets)
        case _:
            return False


def _value_acts(walk: Walk, value: ast.expr, namespace: dict[str, Any]) -> bool:
    calls = (n for n in ast.walk(value) if isinstance(n, ast.Call))
    return any(_call_acts(walk, call, namespace, alone=False) for call in calls)


def _call_acts(walk: Walk, call: ast.Call, namespace: dict[str, Any], alone: bool) -> bool:
    """Whether a call at module level changes something outside the project's own objects.

    A call *alone* is made for what it does; one whose value is kept acts only when its name says so.
    """
    root = _root(call.func)
    if root is None:
        return alone
    if root not in namespace:
        return root in ("setattr", "delattr", "exec", "eval") or not hasattr(builtins, root)
    value = namespace[root]
    if not _is_foreign(walk, value):
        return alone and isinstance(value, FunctionType | ModuleType | type) and not _declares(walk, value)
    if alone:
        return True
    last = call.func.attr if isinstance(call.func, ast.Attribute) else root
    return _SETTERS.fullmatch(last) is not None


def _declares(walk: Walk, value: object) -> bool:
    """Whether *value* is Upriver's, or project code that leads to it: a call to it declares assets."""
    home = value.__name__ if isinstance(value, ModuleType) else str(attribute(value, "__module__", ""))
    if home.partition(".")[0] in _HARMLESS:
        return True
    return isinstance(value, FunctionType) and walk.meets_upriver(value)


def _patches(walk: Walk, target: ast.expr, namespace: dict[str, Any]) -> bool:
    if not isinstance(target, ast.Attribute | ast.Subscript):
        return False
    root = _root(target)
    return root is not None and root in namespace and _is_foreign(walk, namespace[root])


def _is_foreign(walk: Walk, value: object) -> bool:
    """Whether *value* is a library's module, class or function, or an object that tells that it is one's."""
    if isinstance(value, ModuleType):
        home = value.__name__
        if walk.origins.is_project_module(value):
            return False
    elif isinstance(value, type):
        home = value.__module__
        if walk.is_project_class(value):
            return False
    elif isinstance(attribute(value, "__module__"), str):
        home = str(value.__module__)
        module = walk.origins.module(home)
        if module is not None and walk.origins.is_project_module(module):
            return False
    else:
        return False
    return home.partition(".")[0] not in _HARMLESS


def _root(node: ast.expr) -> str | None:
    while not isinstance(node, ast.Name):
        match node:
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Call(func=inner):
                node = inner
            case _:
                return None
    return node.id
