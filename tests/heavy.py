"""The heavy parts of the tests: databases, lakes, clusters and libraries that `make test` does without.

A test that needs one has its marker, ``@pytest.mark.postgres``. Where a part is not installed, its tests are skipped
and named at the end of the run; in CI, which installs everything (``make check``), that is an error.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import NamedTuple

INSTALL = "`make check` installs it, and so does pip install -e '.[check]'"


class HeavyPart(NamedTuple):
    """A part that tests may need: *modules* and *programs* that have to be there, all of them.

    *installed* says that the extra ``check`` brings it; what it can't bring is skipped in CI too.
    """

    what: str
    modules: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    installed: bool = True


PARTS = {
    "postgres": HeavyPart("a PostgreSQL server and its drivers", ("psycopg", "adbc_driver_postgresql")),
    "s3": HeavyPart("an object store", ("obstore", "moto", "flask")),
    "lakes": HeavyPart("Delta and Iceberg tables", ("deltalake", "pyiceberg")),
    "excel": HeavyPart("spreadsheets", ("python_calamine", "openpyxl", "xlsxwriter")),
    "science": HeavyPart("pandas, scikit-learn and matplotlib", ("pandas", "sklearn", "matplotlib")),
    "web": HeavyPart("the UI in a browser", ("textual_serve",)),
    "notebook": HeavyPart("a Jupyter kernel", ("nbclient", "ipykernel")),
    "browser": HeavyPart("a browser", ("playwright",), ("chromium",), installed=False),
    "dbt": HeavyPart("dbt", (), ("dbt",), installed=False),
}
"""Each marker of pyproject.toml that names a heavy part."""


def lacking(name: str) -> str | None:
    """Why the tests of the part *name* can't run here, None when they can."""
    part = PARTS[name]
    absent = [one for one in part.modules if find_spec(one) is None]
    absent += [one for one in part.programs if shutil.which(one) is None]
    if not absent:
        return None
    how = INSTALL if part.installed else "install it to run them"
    return f"{name}: {part.what} ({', '.join(absent)} not installed; {how})"


def in_ci() -> bool:
    """Whether everything has to be there."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def reason(name: str) -> str:
    """What :func:`pytest.importorskip` is to say in a module that imports a heavy part at its top."""
    return lacking(name) or f"{name}: {PARTS[name].what}"
