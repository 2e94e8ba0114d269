"""A process in which Python recipes are run on empty frames to learn their columns, and the handle on it.

``python -m upriver.lineage.analysis.planner_process ROOT FD_IN FD_OUT`` answers one line of JSON for each line it
is sent. Project code runs only there: when it hangs, crashes or ends the process, the recipe is opaque and the next
one gets a new process.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import msgspec

from upriver.assets.model import Input, Key, PythonRecipe, Schema, Value
from upriver.assets.project.config import Scalar
from upriver.assets.support.redaction import REVEALED
from upriver.assets.support.supervised_process import Kept, keep
from upriver.lineage.model import Analysis, Opaque, UnknownColumn

PATIENCE = 20.0
"""Seconds that planning one recipe may take, importing its module included."""


class Supposed(Value, frozen=True):
    """That the recipe's module has another *text*; columns called *new* in its plan count as called *old*."""

    text: str
    old: str
    new: str


class Request(Value, frozen=True):
    """One recipe to plan, and the values of the parameters that receive variables. See *supposed* of Planner."""

    recipe: PythonRecipe
    inputs: tuple[tuple[Input, Schema], ...]
    settings: dict[str, Scalar] = {}
    supposed: Supposed | None = None


class Answer(Value, frozen=True):
    """What became of a request: one of the two."""

    analysis: Analysis | None = None
    problem: UnknownColumn | None = None


class Planner:
    """Plans recipes in a process that is started when first needed and again after it was lost."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._process: Kept | None = None
        self._to = -1
        self._from = -1

    def plan(
        self,
        recipe: PythonRecipe,
        schemas: Mapping[Key, Schema],
        settings: Mapping[str, Scalar],
        supposed: Supposed | None = None,
    ) -> Analysis | UnknownColumn:
        """See :class:`upriver.lineage.analysis.analyzer.PlansPython`."""
        inputs = tuple((one, schemas[one.key]) for one in recipe.inputs if one.key is not None)
        if any(not schema for _, schema in inputs):
            return opaque("it reads a file, or an upstream whose columns are not known yet")
        request = Request(recipe, inputs, dict(settings), supposed)
        try:
            if self._process is None:
                self._start()
            os.write(self._to, msgspec.json.encode(request) + b"\n")
            answer = self._answer()
        except OSError as error:
            self.close()
            return opaque(f"the planning process was lost ({error})")
        if answer is None:
            self.close()
            return opaque(f"planning it on empty frames took more than {PATIENCE:g} s or ended the process")
        found = msgspec.json.decode(answer, type=Answer)
        return found.analysis or found.problem or opaque("the planning process gave no answer")

    def _start(self) -> None:
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        self._process = Kept(
            "upriver.lineage.analysis.planner_process",
            [str(self._root), str(theirs_in), str(theirs_out)],
            folder=self._root,
            descriptors=(theirs_in, theirs_out),
        )
        os.close(theirs_in)
        os.close(theirs_out)

    def _answer(self) -> bytes | None:
        data = b""
        while not data.endswith(b"\n"):
            ready, _, _ = select.select([self._from], [], [], PATIENCE)
            piece = os.read(self._from, 1 << 16) if ready else b""
            if not piece:
                return None
            data += piece
        return data

    def close(self) -> None:
        """End the process."""
        if self._process is None:
            return
        self._process.close()
        os.close(self._to)
        os.close(self._from)
        self._process = None


def opaque(cause: str) -> Analysis:
    """Nothing is known of a recipe, and why."""
    return Analysis(None, opaque=(Opaque(cause),))


def main() -> None:
    """Answer requests until the other end is closed."""
    root, receive, send = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    os.close(keep())  # all that is said goes through the other two
    for descriptor in (receive, send):
        os.set_inheritable(descriptor, False)
    with os.fdopen(receive, "rb") as requests, os.fdopen(send, "wb") as answers:
        for line in requests:
            answers.write(msgspec.json.encode(_answer_one(root, line)) + b"\n")
            answers.flush()


def _answer_one(root: Path, line: bytes) -> Answer:
    from upriver.lineage.analysis.load_function import find_function
    from upriver.lineage.polars.empty import plan_on_empty

    request = msgspec.json.decode(line, type=Request)
    try:
        supposed = request.supposed
        found_function = find_function(root, request.recipe, None if supposed is None else supposed.text)
        function = partial(found_function, **request.settings)
        inputs = {one.parameter: (one.key or "", one.frame, schema) for one, schema in request.inputs}

        def called(name: str) -> str:
            return supposed.old if supposed is not None and name == supposed.new else name

        found = plan_on_empty(function, inputs, called=called)
    except BaseException as error:  # noqa: BLE001 -- user code may raise anything; the cause is the answer
        raised = f"planning it on empty frames raised {type(error).__name__}: {error}"
        return Answer(opaque(REVEALED.hide(raised)))
    if REVEALED.finds(msgspec.json.encode(found).decode()):
        return Answer(opaque("its plan holds the value of a secret"))
    return Answer(problem=found) if isinstance(found, UnknownColumn) else Answer(found)


if __name__ == "__main__":
    main()
