"""Operations that tell what is declared: the catalogue, and the text of recipes."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from upriver.assets.model import Key
from upriver.lineage.project.project import Project
from upriver.materializer.context import Context
from upriver.materializer.operations import ProjectApi

if TYPE_CHECKING:
    from upriver.materializer.inspection.catalogue import CatalogueEntry
    from upriver.materializer.inspection.lineage import Lineage


class Cataloguing(ProjectApi):
    """The part of a session that tells what is declared. The session gives the context, and takes turns."""

    context: Context
    _reading: threading.RLock
    _lineage: Lineage | None

    @abstractmethod
    def _known(self, key: Key, *, as_watched: bool = True) -> Project: ...

    @abstractmethod
    def _select(self, project: Project, texts: Sequence[str]) -> frozenset[Key]: ...

    def catalogue(self, select: Sequence[str] = ()) -> tuple[CatalogueEntry, ...]:
        from upriver.materializer.inspection.catalogue import catalogue
        from upriver.materializer.inspection.lineage import of_now

        with self._reading:
            project = self.context.project()
            chosen = self._select(project, select) if select else frozenset(project.graph.order)
            self._lineage = of_now(self.context, self._lineage)
            found = catalogue(self.context, self._lineage, project.graph.sort(chosen))
            self.context.analyzer().flush()
            return found

    def recipe_text(self, key: Key) -> tuple[str, str]:
        from upriver.materializer.inspection.recipe import recipe_text

        return recipe_text(self._known(key), key)
