"""Invocation of a command: its options, its output, and the project that it is about."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from upriver.tui.cli.arguments import WrongUsage
from upriver.tui.present.console import Console
from upriver.tui.present.spans import Span, line

if TYPE_CHECKING:
    from upriver.materializer.operations import ProjectApi

OpenSession: TypeAlias = Callable[[Path, str], "ProjectApi"]


class Invocation:
    """What a command's ``run`` receives. The session is opened when first asked for."""

    def __init__(
        self,
        options: Namespace,
        out: Console,
        err: Console,
        *,
        environ: Mapping[str, str],
        open_session: OpenSession | None,
        clock: Callable[[], float],
    ) -> None:
        self.options = options
        self.out = out
        self.err = err
        self.environ = environ
        self.clock = clock
        self.opener = open_session or open_project
        self._session: ProjectApi | None = None

    @property
    def json(self) -> bool:
        """Whether stdout gets one JSON document."""
        return bool(getattr(self.options, "json", False))

    @property
    def directory(self) -> Path:
        """The folder that this call was started in, or ``-C``."""
        chosen = self.options.directory
        try:
            directory = Path.cwd() if chosen is None else Path(chosen).expanduser().absolute()
        except FileNotFoundError:
            raise WrongUsage(
                "the folder that this shell is in does not exist any more", "cd to another"
            ) from None
        if not directory.is_dir():
            what = "is not a folder" if directory.exists() else "does not exist"
            raise WrongUsage(f"-C: {chosen} {what}")
        return directory

    @property
    def root(self) -> Path:
        """The project's folder: :attr:`directory` or the nearest above it that holds ``upriver.toml``."""
        from upriver.assets.project.config import find_project

        return find_project(self.directory)

    @property
    def session(self) -> ProjectApi:
        """The project around :attr:`directory`."""
        if self._session is None:
            environment = getattr(self.options, "environment", None) or "dev"
            self._session = self.opener(self.root, environment)
            if environment != "dev" and not self.options.create:
                self._session.require_environment()
        return self._session

    def ask(self, question: str) -> bool:
        """Whether the person at the terminal says yes; no, where none can answer."""
        if not sys.stdin.isatty():
            return False
        self.err.write(line(question, Span(" [y/N] ", "bold")))
        self.err.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def close(self) -> None:
        """Let go of the project."""
        if self._session is not None:
            self._session.close()


def open_project(root: Path, environment: str) -> ProjectApi:
    from upriver.materializer.session import Session

    return Session(root, environment)
