"""Places in files, as found in statuses and error texts."""

from __future__ import annotations

import re

from upriver.assets.model import Place
from upriver.materializer.answers import AssetStatus

_PLACE = re.compile(r"(?P<path>[\w./-]+\.(?:sql|py)):(?P<line>\d+)(?::(?P<column>\d+))?")
_RAISED = re.compile(r"^ +at (?P<path>(?!/|\.\./)[\w./-]+\.py):(?P<line>\d+)(?::|$)", re.MULTILINE)
_FRAME = re.compile(r'File "(?P<path>[^"]+)", line (?P<line>\d+)')


def failing_place(status: AssetStatus) -> Place | None:
    """Where the error or the reasons of an asset point to, or None.

    That is a line of its own file, or the line of another file of the project that raised: what a recipe calls
    fails there, and it is there that one mends it.
    """
    texts = [
        status.error or "",
        *(reason.detail for reason in status.reasons if reason.asset == status.asset),
    ]
    own = status.place.path if status.place is not None else ""
    for text in texts:
        found = [*_PLACE.finditer(text), *_FRAME.finditer(text)]
        # In a traceback the last frame in the asset's own file is the one to look at.
        for match in reversed(found):
            if own.endswith(match["path"]) or match["path"].endswith(own):
                column = match.groupdict().get("column")
                return Place(own, int(match["line"]), int(column) if column else None)
    # The message comes first and may hold anything; the place is what was added to it.
    raised = [*_RAISED.finditer(status.error or "")]
    return Place(raised[-1]["path"], int(raised[-1]["line"])) if raised else None
