"""Planner process: runs Python recipes on empty frames to learn their columns; with the client's handle on it.

The process answers one line of JSON for each line it is sent. Project code runs only there: when it hangs, crashes or
ends the process, the recipe is opaque and the next one gets a new process.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec

from upriver.assets.model import Input, Key, PythonRecipe, Schema, Value
from upriver.assets.project.config import Scalar
from upriver.assets.support.encodable import encode_json
from upriver.assets.support.fresh_state import begin_afresh
from upriver.assets.support.redaction import revealed
from upriver.assets.support.spawned_process import Spawn, Starter
from upriver.assets.support.supervised_process import SupervisedProcess, run_program
from upriver.lineage.model import Analysis, Opaque, UnknownColumn

PATIENCE = 20.0
"""Seconds that planning one recipe may take, importing its module included."""


class Hypothesis(Value, frozen=True):
    """Assumption that a recipe's module has another *text*; columns called *new* in its plan count as *old*."""

    text: str
    old: str
    new: str


class Request(Value, frozen=True):
    """One recipe to plan, and the values of the parameters that receive variables. See *hypothesis* of Planner."""

    recipe: PythonRecipe
    inputs: tuple[tuple[Input, Schema], ...]
    settings: dict[str, Scalar] = {}
    hypothesis: Hypothesis | None = None


class Answer(Value, frozen=True):
    """What became of a request: one of the two."""

    analysis: Analysis | None = None
    problem: UnknownColumn | None = None


class Planner:
    """Plans recipes in a process that is started when first needed and again after it was lost. *starter* starts it."""

    def __init__(self, root: Path, starter: Starter | None = None) -> None:
        self._root = root
        self._starter = starter or Spawn()
        self._process: SupervisedProcess | None = None
        self._to = -1
        self._from = -1

    def plan(
        self,
        recipe: PythonRecipe,
        schemas: Mapping[Key, Schema],
        settings: Mapping[str, Scalar],
        hypothesis: Hypothesis | None = None,
    ) -> Analysis | UnknownColumn:
        """See :class:`upriver.lineage.analysis.analyzer.PlansPython`."""
        inputs = tuple((one, schemas[one.key]) for one in recipe.inputs if one.key is not None)
        if any(not schema for _, schema in inputs):
            return opaque("it reads a file, or an upstream whose columns are not known yet")
        request = Request(recipe, inputs, dict(settings), hypothesis)
        answer = self._ask(request)
        if isinstance(answer, str):
            return opaque(answer)
        return answer.analysis or answer.problem or opaque("the planning process gave no answer")

    def _ask(self, request: Request, *, again: bool = True) -> Answer | str:
        """The answer of the process; in words why there is none."""
        try:
            if self._process is None:
                self._start().begun(PATIENCE)
            os.write(self._to, msgspec.json.encode(request) + b"\n")
            answer = self._answer()
        except OSError as error:
            if again and self._lost():
                return self._ask(request, again=False)
            self.close()
            return f"the planning process was lost ({error})"
        if answer is not None:
            return msgspec.json.decode(answer, type=Answer)
        if again and self._lost():
            return self._ask(request, again=False)
        self.close()
        return f"planning it on empty frames took more than {PATIENCE:g} s or ended the process"

    def _lost(self) -> bool:
        """Whether the process has ended because what it was forked from has; then it is closed."""
        process = self._process
        if process is None or not process.wait(0.0) or not process.lost:
            return False
        self.close()
        return True

    def _start(self) -> SupervisedProcess:
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        try:
            self._process = self._starter.start(
                "upriver.lineage.analysis.planner_process",
                [str(self._root)],
                folder=self._root,
                descriptors=(theirs_in, theirs_out),
            )
        except BaseException:
            os.close(self._to)
            os.close(self._from)
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        return self._process

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


def unconfined(_root: Path) -> None:
    """Nothing is denied to the project's modules."""


def work(pipe: BinaryIO, arguments: Sequence[str], confine: Callable[[Path], None] = unconfined) -> None:
    """Answer requests until the other end is closed. *confine* is called before project code is imported."""
    pipe.close()  # all that is said goes through the other two
    root, receive, send = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    for descriptor in (receive, send):
        os.set_inheritable(descriptor, False)
    confine(root)
    begin_afresh()  # which may start threads: from here on they are confined, too
    with os.fdopen(receive, "rb") as requests, os.fdopen(send, "wb") as answers:
        for line in requests:
            answers.write(encode_json(_answer_one(root, line)) + b"\n")
            answers.flush()


def _answer_one(root: Path, line: bytes) -> Answer:
    from upriver.lineage.analysis.load_function import find_function
    from upriver.lineage.polars.empty import plan_on_empty

    request = msgspec.json.decode(line, type=Request)
    try:
        hypothesis = request.hypothesis
        found_function = find_function(root, request.recipe, None if hypothesis is None else hypothesis.text)
        function = partial(found_function, **request.settings)
        inputs = {one.parameter: (one.key or "", one.frame, schema) for one, schema in request.inputs}

        def called(name: str) -> str:
            return hypothesis.old if hypothesis is not None and name == hypothesis.new else name

        found = plan_on_empty(function, inputs, called=called)
    except BaseException as error:  # noqa: BLE001 -- user code may raise anything; the cause is the answer
        raised = f"planning it on empty frames raised {type(error).__name__}: {error}"
        return Answer(opaque(revealed.hide(raised)))
    if revealed.finds(encode_json(found).decode()):
        return Answer(opaque("its plan holds the value of a secret"))
    return Answer(problem=found) if isinstance(found, UnknownColumn) else Answer(found)


if __name__ == "__main__":
    run_program(work)
