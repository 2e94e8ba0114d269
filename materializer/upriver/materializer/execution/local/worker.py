"""The process in which project code runs: one attempt of one asset, then it ends.

It is forked from the fork parent, or an interpreter started ahead (see supervised_process.py), reads one job as a line
of JSON from the pipe to its starter, and reports in lines of JSON to the descriptor that it was handed.
"""

from __future__ import annotations

import functools
import os
import stat
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from upriver.assets.declare.secret import DECLARED
from upriver.assets.errors import AssetError, UpriverError
from upriver.assets.loading.preloaded import imported_since, preloaded
from upriver.assets.loading.stat_hooks import real_stat
from upriver.assets.project.files import ProjectFile, ProjectFiles
from upriver.assets.project.layout import ROOM
from upriver.assets.support.encodable import encode_json
from upriver.assets.support.fresh_state import begin_afresh
from upriver.assets.support.process_tree import resident_bytes
from upriver.assets.support.redaction import SHORTEST, revealed
from upriver.assets.support.supervised_process import run_program
from upriver.lineage.model import WHOLE
from upriver.materializer.execution.local.confine_job import Confine, confine_job
from upriver.materializer.execution.local.denials import Denied, denials_of
from upriver.materializer.execution.local.memory import LITTLE, walk
from upriver.materializer.execution.local.messages import Job, Report, Result, Revealed
from upriver.materializer.execution.local.undeclared_reads import Undeclared
from upriver.materializer.freshness.decide import EACH_BUILD


def work(pipe: BinaryIO, arguments: Sequence[str], confine: Confine = confine_job) -> None:
    """Run one job. *arguments* are modules to import while it is still being decided, and the descriptor."""
    *modules, descriptor = arguments
    channel = int(descriptor)
    os.set_inheritable(channel, False)
    for module in modules:
        __import__(module)
    with pipe:
        line = pipe.readline()
    if not line:
        os._exit(0)
    job = _JOB.decode(line)
    recipe = os.getpid()

    def report(one: Report) -> None:
        if isinstance(one, Result) and os.getpid() != recipe:  # a fork of the recipe has come this far
            os._exit(1)
        text = memoryview(b"%s %s\n" % (job.token.encode(), encode_json(one)))
        while text:
            text = text[os.write(channel, text) :]

    revealed.tell = lambda name, value: report(Revealed(name, value))
    result = run(job, confine)
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # the recipe may have closed or replaced it
            stream.flush()
    report(result)
    # Threads and exit handlers of user code must not hold back an attempt that has reported.
    os._exit(0)


def run(job: Job, confine: Confine = confine_job) -> Result:
    """Call the recipe and write what it returns; every failure becomes a Result."""
    root = Path(job.root)
    os.chdir(root)
    shared = resident_bytes(os.getpid())
    watches: list[Undeclared] = []

    def asked(name: str, value: str | None) -> None:
        for watch in watches:
            watch.variable(name, value)

    try:
        permitted = confine(job, asked)
        begin_afresh()  # which may start threads: from here on they are confined, too
        files = [file for one in job.inputs for file in one.files]
        shown = job.confinement.shown if job.confinement is not None else {}
        undeclared = Undeclared(root, files, job.environment, job.permissions, job.scratch, permitted, shown)
        watches.append(undeclared)
        return _without_secret_paths(_attempt(job, root, undeclared, shared))
    except BaseException as error:  # noqa: BLE001 -- whatever user code raises is this attempt's failure
        denied: list[Denied] = []
        for watch in watches:
            watch.stop()
            denied += watch.with_mentioned(denials_of(error, job.root))
        return _without_secret_paths(
            Result(
                error=_sentence(error, root),
                traceback=user_traceback(error, root),
                peak_memory=_peak_memory(shared),
                denied=tuple(denied),
            )
        )


def _attempt(job: Job, root: Path, undeclared: Undeclared, shared: int) -> Result:
    from upriver.lineage.analysis.load_function import find_function
    from upriver.materializer.execution.local.frames import Observer, write, write_found

    if job.moment is not None:
        from upriver.materializer.execution.local.held_clock import hold

        hold(job.moment)  # before project modules take what they need of `time` and `datetime`
    undeclared.start()  # what a module reads while it is imported counts for every recipe that imports it
    function = find_function(root, job.recipe, files=_project_files(job.code))
    _check_code(root, job.code)
    for one in DECLARED:
        one.hide()
    observer = Observer()
    arguments = {one.parameter: observer.receive(one) for one in job.inputs} | job.settings
    returned = function(**arguments)
    analysis, logical, message = None, {}, None
    if job.check:
        message = write_found(returned, Path(job.target))
    else:
        analysis = observer.analyse(returned, order_promised=job.ordered)
        logical = write(returned, Path(job.target), file_asset=job.file_asset)
    if not job.file_asset:
        _check_names(Path(job.target))
    warnings, external = (*undeclared.stop(), *_weak_secrets()), _without_secrets(undeclared.values())
    reads = observer.footprints()
    _check_code(root, job.code)
    if revealed.finds(encode_json((reads, analysis)).decode()):
        # A filter on the value of a secret: what is read without it is more, and can be kept.
        reads, analysis = tuple((key, WHOLE) for key, _ in reads), None
    return Result(
        reads=reads,
        analysis=analysis,
        peak_memory=_peak_memory(shared),
        warnings=warnings,
        external=external,
        denied=undeclared.denied,
        logical=logical,
        message=None if message is None else revealed.hide(message),
    )


def _without_secret_paths(result: Result) -> Result:
    """*result* without denials of paths that hold a secret: they would be kept, and shown."""
    kept = tuple(one for one in result.denied if not revealed.finds(f"{one.path} {one.real}"))
    if len(kept) == len(result.denied):
        return result
    error = (
        result.error
        or "it reads or writes a path that holds a secret, which is neither declared nor an upstream"
    )
    return msgspec.structs.replace(result, denied=kept, error=error)


def _project_files(code: Sequence[ProjectFile]) -> ProjectFiles:
    """The files of *code* as they were found, apart: those among the modules, and the others."""
    modules = tuple(file for file in code if file.path.startswith(f"{ROOM}/"))
    return ProjectFiles(python=modules, helpers=tuple(file for file in code if file not in modules))


def _check_names(target: Path) -> None:
    """Raise AssetError when a column is named by a secret: rows are the user's own, names are shown everywhere."""
    if not revealed.used:
        return
    import pyarrow.parquet as pq

    schema = pq.read_schema(target).to_string(show_field_metadata=True, truncate_metadata=False)
    if (shown := revealed.whole(schema)) is not None:
        raise AssetError(
            f"the name or the metadata of a column holds the value of {shown}: names are kept and shown"
        )


def _weak_secrets() -> tuple[str, ...]:
    return tuple(
        f"the value of the secret {name} is shorter than {SHORTEST} characters: it is not hidden where it is printed"
        for name in sorted(revealed.weak)
    )


def _without_secrets(external: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """*external* without names that hold a secret. What is behind such a name can't be looked at without keeping it."""
    kept = {name: value for name, value in external if not revealed.finds(name)}
    if len(kept) < len(external):
        kept["a path that holds a secret"] = EACH_BUILD
    return tuple(sorted(kept.items()))


_imported: dict[str, str] = {}
_checked: set[str] = set()
_JOB = msgspec.json.Decoder(Job)  # made once for all forks


def _check_code(root: Path, code: Iterable[ProjectFile]) -> None:
    """Raise UpriverError when a project file that was imported since the last call is not the one that was
    fingerprinted: what it computes would be recorded under another recipe.
    """
    for _, module in imported_since():
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file not in _imported:
            _imported[file] = _resolved(file)
    imported, before = set(_imported.values()), preloaded().files
    for one in code:
        path = _resolved(str(root / one.path))
        if path in _checked or not (path in imported or path in before):
            continue
        _checked.add(path)
        try:
            now = real_stat(path)  # as in assets.project.files, whose stamps these are
        except OSError:
            now = None
        if now is None or (now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino) != (
            one.size,
            one.mtime,
            one.ctime,
            one.inode,
        ):
            raise UpriverError(
                f"{one.path} was changed while it was being built; nothing was recorded. Build again."
            )


def _resolved(file: str) -> str:
    """``realpath`` for a thousand files in a few folders."""
    folder, name = os.path.split(file)
    path = f"{_real_folder(folder)}{os.sep}{name}"
    try:
        is_link = stat.S_ISLNK(real_stat(path, follow_symlinks=False).st_mode)
    except (OSError, ValueError):
        return path
    return os.path.realpath(path) if is_link else path


@functools.cache
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _sentence(error: BaseException, root: Path) -> str:
    """What was raised, and the innermost line of project code that it came from."""
    name = type(error).__name__
    try:
        text = str(error).strip()
    except Exception:  # noqa: BLE001 -- an exception that can't tell what it is about
        text = ""
    said = f"{name}: {text}" if text else name
    if isinstance(error, SystemExit):
        said = f"the recipe called exit({text})"
    elif isinstance(error, UpriverError):
        said = text
    inside = f"{root}{os.sep}"
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(inside)]
    if not ours:
        return said
    place = f"{ours[-1].filename.removeprefix(inside)}:{ours[-1].lineno}"
    return f"{said}\n  at {place}: {ours[-1].line}" if ours[-1].line else f"{said}\n  at {place}"


def user_traceback(error: BaseException, root: Path) -> str:
    """The traceback without Upriver's own frames; those above the first frame of the project are dropped."""
    stack = traceback.TracebackException.from_exception(error, capture_locals=False)
    ours = str(Path(__file__).parent.parent)
    seen: set[int] = set()
    node: traceback.TracebackException | None = stack
    while node is not None and id(node) not in seen:
        seen.add(id(node))
        frames = [frame for frame in node.stack if not frame.filename.startswith((ours, "<frozen"))]
        first = next((i for i, frame in enumerate(frames) if frame.filename.startswith(str(root))), 0)
        node.stack = traceback.StackSummary.from_list([_shorten(frame, root) for frame in frames[first:]])
        node = node.__cause__ or node.__context__
    return "".join(stack.format())


def _shorten(frame: traceback.FrameSummary, root: Path) -> traceback.FrameSummary:
    prefix = f"{root}{os.sep}"
    if frame.filename.startswith(prefix):
        frame.filename = frame.filename.removeprefix(prefix)
    return frame


def _peak_memory(shared: int) -> int:
    """Bytes that this process has had for itself, at most; when it began, *shared* were in memory."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        return int(peak)
    more = peak * 1024 - shared
    if more < LITTLE or (now := walk("self")) is None:
        return max(0, more)
    return peak * 1024 - (now.resident - now.private)


if __name__ == "__main__":
    run_program(work)
