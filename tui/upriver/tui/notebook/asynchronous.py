"""The operations of a project as coroutines, for code that has an event loop to keep running."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeVar

from upriver.tui.notebook.answer import Answer
from upriver.tui.notebook.project import Project

if TYPE_CHECKING:
    from upriver.materializer.answers import (
        AssetStatus,
        BuildResult,
        Explanation,
        HistoryEntry,
        LineageView,
        Plan,
        Table,
    )
    from upriver.materializer.events import Event
    from upriver.materializer.execution.cancel import Cancel

T = TypeVar("T")


class AsyncProject:
    """A project whose operations are coroutines, documented in :class:`~upriver.tui.notebook.project.Project`.

    Each runs in a thread. A build whose task is cancelled is asked to stop, and waited for.
    ``async with AsyncProject(".") as p:`` lets go of it at the end.
    """

    def __init__(self, folder: str | os.PathLike[str] = ".", *, environment: str = "dev") -> None:
        self.project = Project(folder, environment=environment)
        """The same project, for calls that block."""

    async def __aenter__(self) -> AsyncProject:
        return self

    async def __aexit__(self, *error: object) -> None:
        await asyncio.to_thread(self.project.close)

    async def status(self, *select: str) -> Answer[tuple[AssetStatus, ...]]:
        """As :meth:`Project.status`."""
        return await asyncio.to_thread(self.project.status, *select)

    async def plan(self, *select: str, force: bool = False) -> Answer[Plan]:
        """As :meth:`Project.plan`."""
        return await asyncio.to_thread(self.project.plan, *select, force=force)

    async def why(self, name: str) -> Answer[Explanation]:
        """As :meth:`Project.why`."""
        return await asyncio.to_thread(self.project.why, name)

    async def sql(self, query: str, *, limit: int | None = None) -> Answer[Table]:
        """As :meth:`Project.sql`."""
        return await asyncio.to_thread(self.project.sql, query, limit=limit)

    async def lineage(
        self, name: str, *, columns: bool = False, depth: int | None = None
    ) -> Answer[LineageView]:
        """As :meth:`Project.lineage`."""
        return await asyncio.to_thread(self.project.lineage, name, columns=columns, depth=depth)

    async def history(self, name: str, *, limit: int = 50) -> Answer[tuple[HistoryEntry, ...]]:
        """As :meth:`Project.history`."""
        return await asyncio.to_thread(self.project.history, name, limit=limit)

    async def build(
        self, *select: str, force: bool = False, jobs: int | None = None, fail_fast: bool = False
    ) -> Answer[BuildResult]:
        """As :meth:`Project.build`."""
        from upriver.materializer.execution.cancel import Cancel

        cancel = Cancel()
        return await _stoppable(
            lambda: self.project.build(*select, force=force, jobs=jobs, fail_fast=fail_fast, cancel=cancel),
            cancel,
        )

    async def build_events(
        self, *select: str, force: bool = False, jobs: int | None = None, fail_fast: bool = False
    ) -> AsyncIterator[Event]:
        """As :meth:`Project.build_events`."""
        from upriver.materializer.execution.cancel import Cancel

        cancel = Cancel()
        loop = asyncio.get_running_loop()
        told: asyncio.Queue[Event | None] = asyncio.Queue()

        def tell(event: Event | None) -> None:
            loop.call_soon_threadsafe(told.put_nowait, event)

        def build() -> None:
            try:
                self.project.build(
                    *select, force=force, jobs=jobs, fail_fast=fail_fast, on_event=tell, cancel=cancel
                )
            finally:
                tell(None)

        task = asyncio.ensure_future(asyncio.to_thread(build))
        try:
            while (event := await told.get()) is not None:
                yield event
        finally:
            if not task.done():
                cancel.request()
            await asyncio.shield(task)


async def _stoppable(build: Callable[[], T], cancel: Cancel) -> T:
    task = asyncio.ensure_future(asyncio.to_thread(build))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        cancel.request()
        await asyncio.wait([task])
        raise
