"""Properties files of dbt (``schema.yml``) among the modules: told apart from other YAML files by what they hold."""

from __future__ import annotations

import re
from pathlib import Path

from upriver.assets.errors import Diagnosis, caret_excerpt
from upriver.assets.model import Place

ENDINGS = (".yml", ".yaml")
_MOST = 1 << 20
_SECTION = re.compile(r"^(models|sources|seeds|snapshots|exposures|unit_tests|macros)[ \t]*:", re.MULTILINE)
_SIGN = re.compile(
    r"^version[ \t]*:[ \t]*2[ \t\r]*$|^[ \t-]+(columns|tables|tests|data_tests)[ \t]*:", re.MULTILINE
)
_HINTS = {
    "models": "a description, an owner and tags stand in the header of each query, `/* upriver: … */`, or in @asset(…)",
    "sources": 'declare each with source("raw.orders", "data/orders.csv") in a Python module under assets/',
    "seeds": 'declare each with source("raw.orders", "data/orders.csv") in a Python module under assets/',
}


def properties_diagnosis(root: str, path: str) -> Diagnosis | None:
    """The diagnosis for the YAML file *path*, None when it is none of dbt's. Only its beginning is looked at."""
    try:
        with Path(root, path).open("rb") as file:
            text = file.read(_MOST).decode("utf-8", "replace")
    except OSError:  # it declares nothing; a recipe that reads it will say what is wrong
        return None
    section = _SECTION.search(text)
    if section is None or _SIGN.search(text) is None:
        return None
    line = text.count("\n", 0, section.start()) + 1
    hint = _HINTS.get(section[1], "what it says belongs to the assets themselves")
    return Diagnosis(
        "foreign-file",
        f"this is a properties file of dbt; what it says of {section[1]} is not read here",
        Place(path, line),
        hint=f"{hint}; then remove this file, or move it out of assets/",
        excerpt=caret_excerpt(text.replace("\r", ""), line, 1, len(section[1])),
    )
