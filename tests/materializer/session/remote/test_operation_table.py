"""An operation is declared once; every implementation, client, server and fake follows from that or fails here."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.session import FakeSession
from tests.tui.cli.scripted import ScriptedSession

from upriver.assets.model import Column, Place
from upriver.lineage.refactoring.fix import Fix
from upriver.lineage.refactoring.freeze import Freezing
from upriver.lineage.refactoring.rename.values import (
    ByHand,
    ColumnRenaming,
    FileChange,
    LineChange,
    Renaming,
)
from upriver.materializer import operations as declared
from upriver.materializer.operation import RunsIn, in_session_server
from upriver.materializer.operations import ProjectApi, operations
from upriver.materializer.session import Session
from upriver.materializer.session.remote import protocol, session_server
from upriver.materializer.session.remote.operation_table import KEPT_BY_CALLER, operation
from upriver.materializer.session.remote.session_client import SessionClient
from upriver.materializer.upkeep.gc import Keep

IMPLEMENTATIONS = (Session, SessionClient, FakeSession, ScriptedSession)
SERVED = [name for name, runs_in in operations().items() if runs_in is not RunsIn.CALLER]

CHANGED = FileChange("assets/a.sql", "assets/b.sql", "d", b"\xff\x00", 1, (LineChange(1, "x", "y"),))
EXAMPLES: dict[str, object] = {
    "rename": Renaming("a", "b", (CHANGED,), ("c",), (Place("x.py", 3, 4),)),
    "rename_column": ColumnRenaming("a", "x", "y", (CHANGED,), kept=(ByHand(Place("x.py"), "why", "a"),)),
    "apply_fix": Fix(
        "a", "no such column", Place("assets/a.sql", 1), "ammount", "amount", CHANGED, "nothing"
    ),
    "gc": Keep(0.5, 2, 10**12),
    "freeze": Freezing("a", (Column("x", "BIGINT"),), False, CHANGED, ("+x",)),
}
"""A Struct for each operation that takes one."""


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_every_operation_has_an_implementation(implementation: type) -> None:
    """In the session, its client and both fakes: none of them could be made else."""
    assert not inspect.isabstract(implementation)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_no_implementation_offers_more_than_the_operations(implementation: type) -> None:
    """A method that a face could call on a session is an operation, or the client would not know it."""
    allowed = {
        *operations(),
        *get_type_hints(ProjectApi),
        *(("ask", "files", "open", "resting") if implementation is SessionClient else ()),
    }
    if implementation in (Session, SessionClient):
        assert {name for name in dir(implementation) if not name.startswith("_")} - allowed == set()


def test_the_client_inherits_no_implementation() -> None:
    """So nothing that was forgotten runs in the process of a face, with a project of its own."""
    assert SessionClient.__bases__ == (ProjectApi,)
    assert set(operations()) <= set(vars(SessionClient))


@pytest.mark.parametrize("name", operations())
def test_the_session_has_the_signature_that_is_declared(name: str) -> None:
    """Arguments are passed by name: the same names, kinds and defaults."""
    if isinstance(inspect.getattr_static(ProjectApi, name), property):
        assert isinstance(vars(Session)[name], property)
        return
    wanted, found = (inspect.signature(getattr(one, name)) for one in (ProjectApi, Session))
    assert [(p.name, p.kind, p.annotation) for p in wanted.parameters.values()] == [
        (p.name, p.kind, p.annotation) for p in found.parameters.values()
    ]
    assert wanted.return_annotation == found.return_annotation
    for one in wanted.parameters.values():
        if not callable(one.default):
            assert one.default == found.parameters[one.name].default


def test_an_operation_that_does_not_say_where_it_runs_stops_the_import(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It can't run in the caller's process because that was forgotten."""

    class Forgotten(declared.ProjectApi):
        @in_session_server
        def placed(self) -> str:
            """Say it."""
            return ""

        def unplaced(self) -> str:
            """Do not say it."""
            return ""

    monkeypatch.setattr(declared, "ProjectApi", Forgotten)
    with pytest.raises(TypeError, match="operation unplaced"):
        operations()


def test_a_session_without_an_operation_can_not_be_made() -> None:
    """At run time, as for the type checker."""

    class Lacking(Session):
        status = ProjectApi.status

    with pytest.raises(TypeError, match=r"abstract.*status"):
        Lacking(Path())


@pytest.mark.parametrize("name", operations())
def test_all_types_of_an_operation_are_known(name: str) -> None:
    """Those too that are imported late; a build keeps its callbacks to itself."""
    found = operation(name)
    assert found.runs_in is operations()[name]
    if name in SERVED:
        parameters = set(found.signature.parameters) - (
            KEPT_BY_CALLER if found.runs_in is RunsIn.BUILD_SERVER else set()
        )
        assert set(found.arguments.__struct_fields__) == parameters
        msgspec.msgpack.Decoder(found.arguments)
        msgspec.msgpack.Decoder(found.answer, ext_hook=lambda code, data: None)


def travelled(name: str, *arguments: object, **options: object) -> dict[str, Any]:
    """The arguments of a call as the server reads them."""
    asked = operation(name)
    question = protocol.question(asked, asked.bind(arguments, options))
    found, read = protocol.read_question(msgspec.msgpack.encode(question))
    assert found is asked
    return read


@pytest.mark.parametrize("name", SERVED)
def test_a_struct_arrives_as_a_struct(name: str) -> None:
    """Every operation that takes one has an example here."""
    asked = operation(name)
    structs = [
        one
        for one in get_type_hints(asked.arguments).values()
        if isinstance(one, type) and issubclass(one, msgspec.Struct)
    ]
    assert bool(structs) == (name in EXAMPLES)
    if structs:
        (found,) = [v for v in travelled(name, EXAMPLES[name]).values() if isinstance(v, structs[0])]
        assert found == EXAMPLES[name]


@given(
    st.text(),
    st.integers(0, 2**63),
    st.lists(st.tuples(st.text(), st.booleans())),
    st.one_of(st.none(), st.text()),
)
def test_plain_arguments_arrive_as_they_were(
    key: str, limit: int, order: Sequence[tuple[str, bool]], where: str | None
) -> None:
    """With the defaults of the signature for what was left out."""
    assert travelled("preview", key, limit=limit, order_by=order, where=where) == {
        "key": key,
        "limit": limit,
        "offset": 0,
        "order_by": order,
        "where": where,
        "at": None,
        "against": None,
    }


def test_unknown_arguments_and_answers_are_refused() -> None:
    """A client of another version gets an error that names the argument, and harms nothing."""
    raw = msgspec.Raw(msgspec.msgpack.encode({"key": "a", "new_option": 1}))
    answer = session_server.answer(FakeSession(), msgspec.msgpack.encode(protocol.Question("why", raw)))
    assert "new_option" in answer.message
    with pytest.raises(msgspec.ValidationError):
        protocol.value_of(operation("columns"), protocol.answer((1, 2)))


@pytest.mark.parametrize("name", [name for name in SERVED if operations()[name] is RunsIn.SESSION_SERVER])
def test_a_server_answers_every_operation_with_a_value_of_its_type(name: str) -> None:
    """On the fake project: what it answers arrives as the value that it was."""
    session = FakeSession()
    key = "marts.revenue"
    known: dict[str, object] = {
        "key": key,
        "column": session.columns(key)[0],
        "old": key,
        "new": "marts.turnover",
        "query": "from marts.revenue",
        "select": ("raw.orders",) if name == "accept" else (),
        "run_id": "last",
        "keep": Keep(),
        "name": "prod",
        "incident": "77d0aa10ce",
        "connection": "shop",
        "id": "b1",
        "freezing": session.freezing(key),
        "by": "ann",
        "partition": ("2013-01",),
        "check": "unique(customer)",
        "fix": session.fix("marts.churn"),
        "renaming": session.renaming(key, "marts.turnover")
        if name == "rename"
        else session.column_renaming(key, session.columns(key)[0], "new"),
    }
    asked = operation(name)
    given = {field: known[field] for field in asked.signature.parameters if field in known}
    if name == "fix":
        given["key"] = "marts.churn"
    expected = getattr(FakeSession(), name)
    expected = expected(**given) if callable(expected) else expected
    bound = asked.bind((), given)
    answer = session_server.answer(session, msgspec.msgpack.encode(protocol.question(asked, bound)))
    assert protocol.value_of(asked, answer) == expected
