"""Confining a worker to its job, before any code of the project is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from upriver.assets.declare.paths import OWN_FOLDER, base_folder
from upriver.assets.declare.secret import hold_secrets
from upriver.materializer.execution.local.confinement.apply import confine
from upriver.materializer.execution.local.confinement.environment import Asked, narrow, watch
from upriver.materializer.execution.local.confinement.finder import finder_hook
from upriver.materializer.execution.local.confinement.policy import Access, Grants, Index, contains
from upriver.materializer.execution.local.grants import code_paths
from upriver.materializer.execution.local.messages import Confinement, Job
from upriver.materializer.execution.local.spill import spill_to

Confine: TypeAlias = Callable[[Job, Asked], Index | None]
"""Takes from this process what a job must not do; what answers what is left, or None. *Asked* is told of variables."""


def confine_job(job: Job, asked: Asked) -> Index | None:
    """Confine this process to *job*, where that is asked for; its environment is told of in any case."""
    if job.confinement is None:
        watch(asked)
        return None
    root = Path(job.root)
    hold_secrets(root, job.confinement.secrets)
    permitted = confine(grants_of(job, job.confinement), job.root).index()
    narrow(job.scratch, job.environment, asked)
    spill_to(job.scratch)
    _find_by_name(job.root, permitted)
    return permitted


def _find_by_name(root: str, permitted: Index) -> None:
    """Have modules in folders that can't be listed found by their names."""
    sys.path_hooks.insert(0, finder_hook(lambda folder: permitted.permits(folder, Access.LIST)))
    for entry in list(sys.path_importer_cache):
        if contains(root, entry) or contains(entry, root):
            del sys.path_importer_cache[entry]


def grants_of(job: Job, confinement: Confinement) -> Grants:
    """What a job is given, as resolved paths."""
    permissions = job.permissions
    folders = (os.path.join(job.root, base_folder(one)) for one in permissions.writes)  # noqa: PTH118 -- strings
    own = os.path.realpath(os.path.join(job.root, OWN_FOLDER))  # noqa: PTH118 -- as above
    writes = (os.path.realpath(folder) for folder in folders)
    return Grants(
        scratch=os.path.realpath(job.scratch),
        code=code_paths(job.code, job.root),
        inputs=tuple(os.path.realpath(file) for one in job.inputs for file in one.files),
        files=confinement.files,
        folders=confinement.folders,
        outside=confinement.outside,
        # A folder may be a link: never into what is Upriver's own, nor to what the project is in.
        writes=tuple(one for one in writes if not (contains(own, one) or contains(one, own))),
        network=permissions.network,
        processes=permissions.processes,
    )
