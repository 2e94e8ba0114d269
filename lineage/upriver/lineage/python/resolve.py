"""Resolver of names: from a name in the text to the object that it stands for at run time."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from upriver.lineage.python.names import LocalImport, Mentions, Reference
from upriver.lineage.python.origin import attribute as attribute_of
from upriver.lineage.python.values import Sink
from upriver.lineage.python.walk import Walk

_MISSING = object()

_RUNS_TEXT = frozenset({"eval", "exec", "compile", "__import__"})
_READS_FILES = frozenset({"open", "__file__"})
_FILE_READERS = ("read_csv", "read_parquet", "read_json", "read_ndjson", "read_ipc", "read_excel", "scan_")
_FRAME_ATTRIBUTES = frozenset({"__globals__", "__subclasses__", "f_globals", "f_back", "__builtins__"})
_TEXT_ATTRIBUTES = frozenset(
    {
        "getsource", "getsourcelines", "findsource", "getcomments", "getblock", "co_firstlineno", "co_lines",
        "co_positions", "f_lineno", "tb_lineno", "get_source",
    }
)  # fmt: skip
_DYNAMIC_MODULES = frozenset({"importlib", "runpy", "pkgutil", "gc", "imp"})
_STATIC = ("importlib.metadata", "importlib.resources", "pkgutil.get_data")
"""What of them reads the data of a package, as files that it reads are noted when it runs, and no code."""
_DYNAMIC_MEMBERS = {
    "sys": frozenset({"modules", "_getframe", "_current_frames", "meta_path"}),
    "inspect": frozenset({"stack", "currentframe", "getmodule", "getouterframes"}),
}
_UNPICKLERS = frozenset({"pickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve"})
_PICKLE_WRITERS = frozenset({"dump", "dumps", "Pickler", "HIGHEST_PROTOCOL", "DEFAULT_PROTOCOL"})


_EXTENSIBLE = (
    ("polars", ("Expr", "LazyFrame", "DataFrame", "Series")),
    ("pandas", ("DataFrame", "Series", "Index")),
)
"""Library classes that projects put members on (``register_expr_namespace``), reached by any attribute."""


def extensions(attributes: set[str]) -> Iterator[object]:
    """What the project may have put on library classes under one of the names *attributes*."""
    for library, classes in _EXTENSIBLE:
        for cls in (vars(sys.modules[library]).get(c) for c in classes if library in sys.modules):
            members = vars(cls) if isinstance(cls, type) else {}
            for name in sorted(attributes & members.keys()):
                member = members[name]
                # The descriptor of a registered namespace keeps the class that implements it.
                yield getattr(member, "_ns", None) or getattr(member, "_accessor", None) or member


class Resolver:
    """Follows the references of one piece of code that lives in the module with *namespace*."""

    def __init__(self, walk: Walk, sink: Sink, namespace: Mapping[str, Any], owner: str) -> None:
        self._walk = walk
        self._sink = sink
        self._namespace = namespace
        self._module = str(namespace.get("__name__", ""))
        self._owner = owner

    def follow(self, reference: Reference) -> None:
        """Lead on to what *reference* means, widening where that can't be told."""
        name = reference.name
        if name in self._namespace:
            self._steps(self._namespace[name], None, (name, *reference.attributes), reference)
        elif hasattr(builtins, name):
            self._builtin(name, reference)
        elif reference.annotation:
            self._sink.put(b"only for type checkers")
        elif name == "__class__":
            pass  # the cell of super(): among the closure's values
        else:
            self._sink.put(b"missing")
            self._walk.widen(
                self._sink, self._module, f"{self._owner} uses {name!r}, not defined at load time"
            )

    def follow_plain(self, name: str) -> None:
        """Lead on to the global *name* of which only the name is known."""
        self.follow(Reference(name, (), annotation=False, stored=False))

    def follow_import(self, found: LocalImport, attributes: tuple[str, ...], reference: Reference) -> None:
        """Lead on to what an ``import`` inside the function binds; project modules get imported for it."""
        module = self._imported(found)
        path = (found.member, *attributes) if found.member is not None else attributes
        if module is None:
            # A library that is not imported yet: what it is asked for is all that is known of it.
            self._watch(found.module, path[0] if path else "")
            return
        if found.member is not None and found.member not in vars(module):
            self._load(f"{module.__name__}.{found.member}")  # which puts it into its package
        self._steps(module, module, ("", *path), reference)

    def load_imports(self, found: Mentions) -> None:
        """Import the project modules that the function imports, as running it would, to look inside."""
        for targets in found.imports.values():
            for target in targets:
                module = self._imported(target)
                if module is not None and self._walk.origins.is_project_module(module):
                    self._walk.imports.setdefault(module.__name__)

    def _imported(self, found: LocalImport) -> ModuleType | None:
        name = "." * found.level + found.module
        if found.level:
            try:
                name = importlib.util.resolve_name(name, self._namespace.get("__package__"))
            except ImportError:
                self._walk.everything(
                    self._sink, f"{self._owner} imports {name!r}, which has no parent package"
                )
                return None
        return self._load(name)

    def _load(self, name: str) -> ModuleType | None:
        """The module, imported now when it is the project's; None (and noted) when it is a library's."""
        walk = self._walk
        loaded = walk.origins.module(name)
        if loaded is not None:
            if not walk.origins.is_project_module(loaded):
                walk.external(self._sink, name, "")
            return loaded
        if not self._is_own(name):
            walk.external(self._sink, name, "")
            return None
        try:
            return importlib.import_module(name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # user code runs here and may raise anything, or exit
            cause = f"{self._owner} imports {name}, which fails to import ({type(error).__name__}: {error})"
            walk.unimportable.setdefault(name)
            walk.everything(self._sink, cause)
            return None

    def _is_own(self, name: str) -> bool:
        """Whether the module *name*, which is not loaded, is the project's."""
        walk = self._walk
        top = name.partition(".")[0]
        package = walk.origins.module(top)
        if package is not None:
            return walk.origins.is_project_module(package)
        try:
            spec = importlib.util.find_spec(top)
        except ImportError:  # what else finds modules in this process may refuse to
            spec = None
        if spec is None:
            # Not to be found from here. When the project has a file of that name, importing says what is wrong.
            return top in walk.sources.names(walk.origins.root)
        places = [spec.origin] if spec.has_location else spec.submodule_search_locations or ()
        return any(walk.origins.is_project_file(str(place)) for place in places)

    # -- one reference -----------------------------------------------------------------------------
    def _steps(
        self, value: Any, home: ModuleType | None, path: tuple[str, ...], reference: Reference
    ) -> None:
        """Take the attributes of *path* (whose first part is *value*'s own name) as far as modules go.

        *home* is the module that *value* was found in, None for that of the code itself.
        """
        walk = self._walk
        attribute = path[0]
        for step in path[1:]:
            if not isinstance(value, ModuleType):
                break
            self._watch(value.__name__, step)
            inside = vars(value)
            if step not in inside:
                self._absent(value, step, reference)
                return
            if not walk.origins.is_project_module(value):
                walk.note_package(value.__name__)
            home, attribute, value = value, step, inside[step]
        self._arrive(value, home, attribute)

    def _absent(self, module: ModuleType, attribute: str, reference: Reference) -> None:
        """*attribute* is not (yet) in *module*: a module's ``__getattr__``, or something set later."""
        if not self._walk.origins.is_project_module(module):
            self._walk.external(self._sink, module.__name__, attribute)
        elif reference.stored:
            self._sink.put(b"set later")
        else:
            cause = f"{self._owner} uses {module.__name__}.{attribute}, not defined at load time"
            self._walk.widen(self._sink, module.__name__, cause)

    def _arrive(self, value: Any, home: ModuleType | None, attribute: str) -> None:
        walk, sink = self._walk, self._sink
        if isinstance(value, ModuleType):
            if walk.origins.is_project_module(value):
                walk.widen(sink, value.__name__, f"{self._owner} uses module {value.__name__} as a value")
            else:
                self._watch(value.__name__, "")
                walk.external(sink, value.__name__, "")
        elif isinstance(value, FunctionType):
            self._watch_object(value)
            walk.function(sink, value)
        elif isinstance(value, type):
            self._watch_object(value)
            walk.klass(sink, value)
        elif attribute in _READS_FILES:
            walk.note(f"{self._owner} mentions {attribute}: files it reads by itself are not in the lineage")
        elif home is None or walk.origins.is_project_module(home):
            self._watch_object(value)
            walk.binding(sink, self._module if home is None else home.__name__, attribute, value)
        else:
            # A library's constant or function in C: its version says what it is.
            walk.external(sink, home.__name__, attribute)

    def _builtin(self, name: str, reference: Reference) -> None:
        walk = self._walk
        self._sink.put(b"builtin")
        if name in _RUNS_TEXT:
            walk.everything(self._sink, f"{self._owner} uses {name}()")
        elif name == "globals":
            walk.widen(self._sink, self._module, f"{self._owner} uses globals()")
        elif name in _READS_FILES:
            walk.note(f"{self._owner} mentions {name}: files it reads by itself are not in the lineage")

    # -- what makes code reach further than its names ----------------------------------------------
    def _watch(self, name: str, attribute: str) -> None:
        top = name.partition(".")[0]
        cause = None
        if top in _DYNAMIC_MODULES and not f"{name}.{attribute}".startswith(_STATIC):
            cause = f"{self._owner} imports modules by name ({name})"
        elif attribute in _DYNAMIC_MEMBERS.get(name, ()):
            cause = f"{self._owner} uses {name}.{attribute}"
        elif top in _UNPICKLERS and attribute not in _PICKLE_WRITERS:
            cause = f"{self._owner} unpickles ({name}), which can reach any project code"
        if cause is not None:
            self._walk.everything(self._sink, cause)

    def _watch_object(self, value: Any) -> None:
        """The same for functions that were imported from such a module."""
        name, module = attribute_of(value, "__name__", ""), str(attribute_of(value, "__module__", ""))
        self.watch_attributes({str(name)})
        home = self._walk.origins.module(module)
        if home is not None and isinstance(name, str) and not self._walk.origins.is_project_module(home):
            self._watch(home.__name__, name)

    def watch_attributes(self, attributes: set[str]) -> None:
        """Attribute names that reach further, whatever they are taken of."""
        walk = self._walk
        for name in sorted(attributes & _FRAME_ATTRIBUTES):
            walk.everything(self._sink, f"{self._owner} uses {name}")
        for name in sorted(name for name in attributes if name.startswith(_FILE_READERS)):
            walk.note(f"{self._owner} calls {name}(): files it reads by itself are not in the lineage")
        if "__doc__" in attributes or "getdoc" in attributes:
            walk.asks_for_docstrings = True
        for name in sorted(attributes & _TEXT_ATTRIBUTES):
            walk.asks_for_text = True
            walk.note(f"{self._owner} uses {name}: comments and line numbers count")
        for member in extensions(attributes):
            if isinstance(member, FunctionType) and walk.is_project_function(member):
                walk.function(self._sink, member)
            elif isinstance(member, type) and walk.is_project_class(member):
                walk.klass(self._sink, member)
