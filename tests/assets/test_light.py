"""What importing costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

_HEAVY = {"duckdb", "polars", "pyarrow", "yaml", "sqlglot", "textual", "rich", "traceback"}


@pytest.mark.parametrize(
    "statement",
    [
        "import upriver.assets",
        "from upriver.assets import asset, source, secret",
        "from upriver.assets import asset; asset('a')(lambda x: x)",
        "from upriver.assets import source; source('raw.x', 'x.csv', delimiter=';')",
        "import upriver.assets.project.files",
    ],
)
def test_declaring_loads_no_engine_and_no_parser(statement: str) -> None:
    code = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert not _HEAVY & set(output.split())


def test_only_what_users_write_is_exported() -> None:
    import upriver.assets

    assert upriver.assets.__all__ == ["asset", "by", "check", "secret", "source"]
    assert {"asset", "secret", "source"} <= set(dir(upriver.assets))
    with pytest.raises(AttributeError, match="has no attribute 'sauce'"):
        _ = upriver.assets.sauce
