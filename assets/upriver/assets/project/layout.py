"""The layout of a project folder: where its asset modules are, and which key the path of one gives."""

from __future__ import annotations

ROOM = "assets"
"""The folder of a project in which its asset modules are."""

CHECKS = "checks"
"""The folder of a project in which its checks in files of their own are."""


TESTS = "tests"
"""The folder of a project in which its unit tests of recipes are."""


def path_parts(path: str) -> tuple[str, ...]:
    """The parts of a key that the module at *path* gives: its folders below ``assets/`` and its own name."""
    *folders, name = path.split("/")[1:]
    return (*folders, name.rpartition(".")[0])
