"""Isolation of recipes in a build: what the project asks for, and what this machine can."""

from __future__ import annotations

import os
from collections.abc import Mapping

from upriver.assets.errors import UsageError
from upriver.assets.model import Value
from upriver.assets.project.config import Config
from upriver.materializer.execution.local.confinement.apply import offer


class Isolation(Value, frozen=True):
    """How this build isolates recipes. *outside* are paths that all may read elsewhere, *secrets* the
    files of secrets by name.
    """

    enforced: bool = False
    outside: tuple[str, ...] = ()
    secrets: Mapping[str, str] = {}


def isolation(config: Config) -> Isolation:
    """What holds for every recipe of a build. Raises UsageError where the project demands what there is none of."""
    if config.isolation == "observed":
        return Isolation()
    offered = offer()
    if not offered.enforced:
        if config.isolation == "enforced":
            raise UsageError(
                f'upriver.toml demands isolation = "enforced", and reads can\'t be enforced here: {offered.cause}\n'
                "  hint: leave it out to have reads watched where they can't be enforced"
            )
        return Isolation()
    return Isolation(True, tuple(os.path.realpath(one.path) for one in config.allow_read), config.secrets)
