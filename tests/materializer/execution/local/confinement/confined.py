"""Runs code in a process that has confined itself, and gives back what each expression came to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from upriver.materializer.execution.local.confinement.policy import Grants

_PROGRAM = """
import json, sys
import msgspec
from upriver.materializer.execution.local.confinement.apply import confine
from upriver.materializer.execution.local.confinement.policy import Grants
given, root, preparation, asked = json.loads(sys.stdin.read())
names = {"root": root}
exec(preparation, names)
confine(msgspec.convert(given, Grants), root)
found = {}
for name, text in asked.items():
    try:
        found[name] = repr(eval(text, names))
    except BaseException as error:
        found[name] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


def confined(
    root: Path, grants: Grants, asked: Mapping[str, str], *, before: str = "", **options: Any
) -> dict[str, str]:
    """The values of *asked* (expressions by name) in a process confined to *grants*, after the statements *before*."""
    told = json.dumps([msgspec.to_builtins(grants), str(root), before, dict(asked)])
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROGRAM],
        input=told,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found
