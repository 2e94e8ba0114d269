"""``sink``: the table of another system that an asset is written to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from upriver.assets.errors import Diagnosis, did_you_mean
from upriver.assets.location import SINK_MODES, Sink
from upriver.assets.model import Key, Place
from upriver.assets.support.quantities import expected

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_KNOWN = ("connection", "table", "mode", "key", "verify")


def read_sink(
    value: object, place: Callable[[tuple[str | int, ...]], Place], key: Key | None = None
) -> tuple[Sink | None, list[Diagnosis]]:
    """The sink that *value* declares, and all that is wrong with it; None when there is none to use.

    *place* tells where a part of it was written, by the names on the way there.
    """
    problems: list[Diagnosis] = []

    def wrong(message: object, *at: str, hint: str | None = None) -> None:
        problems.append(Diagnosis("bad-value", f"sink: {message}", place(("sink", *at)), hint=hint, key=key))

    if value is None:
        return None, []
    if not isinstance(value, Mapping):
        wrong(expected("{connection: shop, table: reporting.daily, mode: replace}", value))
        return None, problems
    for name in value:
        if name not in _KNOWN:
            hint = did_you_mean(str(name), _KNOWN) or "possible are " + ", ".join(_KNOWN)
            wrong(f"there is no {name!r}", hint=hint)
    connection, table, mode = value.get("connection"), value.get("table"), value.get("mode", "replace")
    if not isinstance(connection, str) or not _NAME.fullmatch(connection):
        wrong("connection: the name of one in upriver.toml is expected")
    if not isinstance(table, str) or not table.strip() or not table.isprintable():
        wrong("table: the name of a table is expected")
    if mode not in SINK_MODES:
        wrong(expected(" or ".join(SINK_MODES) + " for mode", mode))
    columns = [value["key"]] if isinstance(value.get("key"), str) else value.get("key") or []
    if not isinstance(columns, (list, tuple)) or not all(isinstance(one, str) and one for one in columns):
        wrong(expected("a list of columns for key", columns))
        columns = []
    elif (mode == "upsert") != bool(columns):
        wrong("upsert needs the columns of its key" if mode == "upsert" else f"{mode} takes no key")
    verify = value.get("verify", False)
    if verify in ("true", "false"):  # as a header writes it
        verify = verify == "true"
    if not isinstance(verify, bool):
        wrong(expected("true or false for verify", verify))
    if problems:
        return None, problems
    return Sink(str(connection), str(table).strip(), str(mode), tuple(columns), bool(verify)), []
