"""The graph of project code that a function can reach, walked breadth first from the function.

Every piece of code is described in its own digest, which mentions other pieces by the number at which the
walk first met them. Numbers depend on nothing but the program, so the digests in order identify the graph.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from types import FunctionType, ModuleType
from typing import Any, NamedTuple, TypeAlias

from upriver.assets.model import CodePart, Place
from upriver.lineage.python.origin import PYTHON, Origin, Origins, distributions_of, is_upriver
from upriver.lineage.python.source import Sources
from upriver.lineage.python.values import Sink, Unwritable, ValueWriter

Describe: TypeAlias = "Callable[[Walk, Piece, Sink], None]"
Effects: TypeAlias = "Callable[[Walk, Iterable[str]], Iterable[Piece]]"


class Piece(NamedTuple):
    """One node of the graph: *value* is a function, class, module, instance or the value of a binding."""

    kind: str
    name: str
    value: Any
    module: str
    """The module that answers for the piece: what is widened to when the piece can't be told."""
    attribute: str = ""


class Walk:
    """One walk.

    *describers* say, by kind of piece, what is in its digest and what it leads to; *effects* which of the
    modules met, and of those that they import, do something when they are imported. *unimportable* are those that
    could not be imported to look inside.
    """

    def __init__(
        self,
        origins: Origins,
        sources: Sources,
        describers: Mapping[str, Describe],
        effects: Effects,
        docstrings: bool = False,
    ) -> None:
        self.origins = origins
        self.sources = sources
        self.docstrings = docstrings
        self.asks_for_docstrings = False
        self.asks_for_text = False
        self.packages: dict[str, str] = dict([PYTHON])
        self.widened: dict[str, None] = {}
        self.imports: dict[str, None] = {}
        self.unimportable: dict[str, None] = {}
        self.parts: dict[int, CodePart] = {}
        self.met_upriver = False
        self._describers = describers
        self._effects = effects
        self._numbers: dict[tuple[str, object], int] = {}
        self._pieces: list[Piece] = []
        self._waiting: deque[Piece] = deque()
        self._open_sets: frozenset[int] = frozenset()
        self._alive: list[object] = []

    def fingerprint(self, start: object) -> bytes:
        """Walk from *start* and return the digest of all that can be reached, packages included."""
        total = blake2b(digest_size=16)
        first = Sink()
        ValueWriter(self, first).write(start)
        total.update(first.linked)
        while self._waiting:
            piece = self._waiting.popleft()
            sink = Sink()
            sink.put(piece.kind.encode())
            self._describers[piece.kind](self, piece, sink)
            total.update(sink.linked)
            if not self._waiting:
                self._lead_to_effects(total)
        total.update(repr(sorted(self.packages.items())).encode())
        return total.digest()

    def _lead_to_effects(self, total: blake2b) -> None:
        """All that was met is described: now what importing the modules met does, which may lead further."""
        sink = Sink()
        for piece in self._effects(self, [*dict.fromkeys(p.module for p in self._pieces), *self.imports]):
            self.lead(sink, ("effects", piece.name), piece)
        total.update(sink.linked)

    def meets_upriver(self, function: FunctionType) -> bool:
        """Whether *function* leads to Upriver's own functions: calling it declares something."""
        inner = Walk(self.origins, self.sources, self._describers, lambda _walk, _modules: ())
        inner.fingerprint(function)
        return inner.met_upriver

    # -- leading on --------------------------------------------------------------------------------
    def lead(self, sink: Sink, identity: tuple[str, object], piece: Piece) -> None:
        """Mention *piece* in *sink*; it is described later, once."""
        number = self._numbers.get(identity)
        if number is None:
            number = self._numbers[identity] = len(self._pieces)
            self._pieces.append(piece)
            self._waiting.append(piece)
        sink.link(number, piece.name)

    def function(self, sink: Sink, value: FunctionType) -> None:
        """Link a project function; name a library's, and link what it has been given to hold."""
        if self.is_project_function(value):
            # Named for where its code is: functools.wraps lends a wrapper the name of what it wraps.
            home = str(value.__globals__.get("__name__", ""))
            name = f"{home}.{value.__code__.co_qualname}"
            self._require(sink, home)
            self.lead(sink, ("function", id(value)), Piece("function", name, value, home))
            return
        module = str(value.__globals__.get("__name__", ""))
        name = f"{module}.{value.__qualname__}"
        self.external(sink, module, value.__qualname__)
        if (value.__closure__ or value.__dict__) and not is_upriver(module):
            self.lead(sink, ("function", id(value)), Piece("held", name, value, module))

    def klass(self, sink: Sink, value: type) -> None:
        """Link a project class; name any other."""
        if self.is_project_class(value):
            name = f"{value.__module__}.{value.__qualname__}"
            self.lead(sink, ("class", id(value)), Piece("class", name, value, value.__module__))
        else:
            self.external(sink, value.__module__, value.__qualname__)

    def module(self, sink: Sink, value: ModuleType) -> None:
        """A module used as a value can be asked for anything in it: link all of it."""
        if self.origins.is_project_module(value):
            self.widen(sink, value.__name__, f"module {value.__name__} is used as a value")
        else:
            self.external(sink, value.__name__, "")

    def instance(self, sink: Sink, value: object) -> None:
        """Link an instance of a project class."""
        kind = type(value)
        self._alive.append(value)
        name = f"{kind.__module__}.{kind.__qualname__}()"
        self.lead(sink, ("instance", id(value)), Piece("instance", name, value, kind.__module__))

    def binding(self, sink: Sink, module: str, attribute: str, value: object) -> None:
        """Link the value that a project module has under the name *attribute*."""
        piece = Piece("binding", f"{module}.{attribute}", value, module, attribute)
        self.lead(sink, ("binding", piece.name), piece)

    def _require(self, sink: Sink, module: str) -> None:
        """Without the module, what importing it did can't be told, nor what else is in it."""
        if self.origins.module(module) is None:
            self.everything(
                sink, f"module {module} is no longer loaded, and was not given to reach(modules=…)"
            )

    def widen(self, sink: Sink, module: str, cause: str) -> None:
        """Link all of a project module, saying why."""
        self._require(sink, module)
        self.widened.setdefault(cause)
        self.lead(sink, ("module", module), Piece("module", module, self.origins.module(module), module))

    def everything(self, sink: Sink, cause: str) -> None:
        """Link all of the project's files, saying why."""
        self.widened.setdefault(cause)
        self.lead(sink, ("everything", ""), Piece("everything", "the project", None, ""))

    def external(self, sink: Sink, module: str | None, name: str) -> None:
        """Name something of a library, and note the library's version."""
        sink.put(f"external {module}:{name}".encode())
        self.note_package(module)

    def note_package(self, module: str | None) -> None:
        """Note the version of the distribution that *module* comes from."""
        match self.origins.of_name(module):
            case Origin.UPRIVER:
                self.met_upriver = True
            case Origin.PACKAGE:
                top, _, _ = str(module).partition(".")
                self.packages.update(distributions_of(top))
            case Origin.PROJECT | Origin.STDLIB:
                pass  # its own pieces count, or the version of Python

    def note(self, remark: str) -> None:
        """Remark on something that the fingerprint can't cover."""
        self.widened.setdefault(remark)

    # -- values ------------------------------------------------------------------------------------
    def write(self, sink: Sink, value: object, maker: str | None, what: str) -> None:
        """Write *value* into *sink*; when it has no readable content, widen to the module that made it.

        *maker* is that module, None when any may have made it.
        """
        inner = Sink()
        try:
            ValueWriter(self, inner).write(value)
        except Exception as error:  # noqa: BLE001 -- values may raise anything when they are looked at
            sink.put(b"unwritable")
            held = str(error) if isinstance(error, Unwritable) else f"a value that can't be read ({error!r})"
            if maker is None:
                self.everything(sink, f"{what} holds {held}")
            else:
                self.widen(sink, maker, f"{what} holds {held}")
        else:
            sink.absorb(inner)

    def unordered(self, values: list[object], container: object) -> list[object]:
        """*values* sorted by their own fingerprints, each found by a walk of its own where it leads on."""
        if id(container) in self._open_sets:
            return []
        keyed: list[tuple[bytes, object]] = []
        for value in values:
            inner = Walk(
                self.origins, self.sources, self._describers, lambda _walk, _modules: (), self.docstrings
            )
            inner._open_sets = frozenset((*self._open_sets, id(container)))
            keyed.append((inner.fingerprint(value), value))
        return [value for _, value in sorted(keyed, key=lambda pair: pair[0])]

    # -- whose is it -------------------------------------------------------------------------------
    def is_project_function(self, value: FunctionType) -> bool:
        """Whether *value*'s code is the project's, be it generated by ``exec`` in a project module."""
        filename = value.__code__.co_filename
        if filename.startswith("<"):
            filename = str(value.__globals__.get("__file__", ""))
        own = not is_upriver(str(value.__globals__.get("__name__", "")))
        return own and self.origins.is_project_file(filename)

    def is_project_class(self, value: type) -> bool:
        """Whether *value* is a class made in the project."""
        module = self.origins.module(value.__module__)
        if module is not None:
            return self.origins.is_project_module(module)
        # A class of no module that is known: the project's, unless its methods tell otherwise.
        functions = [f for f in vars(value).values() if isinstance(f, FunctionType)]
        return all(self.is_project_function(f) for f in functions)

    def is_upriver(self, value: type) -> bool:
        """Whether *value* is one of Upriver's own classes."""
        return is_upriver(value.__module__)

    def anonymous(self, text: str) -> str:
        """*text* without the project's location."""
        return self.origins.anonymous(text)

    def add_part(self, piece: Piece, sink: Sink, filename: str, line: int, source: str) -> None:
        """Record what *piece* looks like, for showing which piece was edited."""
        place = Place(self.origins.relative(filename), line)
        self.parts[len(self.parts)] = CodePart(piece.name, place, sink.own, source)
