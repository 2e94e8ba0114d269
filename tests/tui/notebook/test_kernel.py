"""The guide in a real Jupyter kernel, cell by cell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from upriver.assets.project.scaffold import write_project

GUIDE = Path(__file__).parents[3] / "docs" / "python.md"
pytestmark = pytest.mark.notebook


def test_the_guide_runs_in_a_kernel_and_shows_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its event loop runs, its functions come from cells, and answers are shown as HTML and pictures."""
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    folder = tmp_path / "shop"
    write_project(folder, "shop")
    blocks = re.findall(
        r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    # A kernel runs an event loop already: its cells await.
    cells = [block.replace("asyncio.run(refresh(p.root))", "await refresh(p.root)") for block in blocks]
    cells += [
        "p = Project('.')\np.lineage('marts.best_customers.revenue')",
        "p['best_customers']",
        "class Limit:\n    least = 2\n",
        "def many(orders: pl.LazyFrame) -> pl.LazyFrame:\n    return orders.filter(pl.len() > Limit.least)",
        "q = Project.of(many, sources={'raw.orders': 'data/orders/*.csv'})\nassert q.build().value.status == 'success'\nq.close()",
        "frame = q\ndef live() -> pl.DataFrame:\n    return frame",
        "try:\n    Project.of(live)\nexcept Exception as error:\n    print(error)",
    ]
    notebook: Any = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    shown = [
        output.get("data", {}).get("text/html", "") for cell in notebook.cells for output in cell.outputs
    ]
    assert any(html.startswith("<svg") for html in shown)
    assert any(html.startswith("<pre") and "Emmy" in html for html in shown)
    [said] = [output.text for output in notebook.cells[-1].outputs]
    assert "live uses 'frame'" in said
