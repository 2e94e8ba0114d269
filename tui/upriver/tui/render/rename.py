"""What another key for an asset, or a fix of a name in it, changes, file by file and line by line."""

from __future__ import annotations

from upriver.lineage.fixing import Fix
from upriver.lineage.rename.values import FileChange, Renaming
from upriver.tui.render.text import EMPTY, Line, Page, Span, clip, line, wrap
from upriver.tui.words import plural

_MOST = 8


def rename_lines(found: Renaming, page: Page, *, dry_run: bool) -> list[Line]:
    """Files with their lines, then what follows from it."""
    lines: list[Line] = []
    for file in found.files:
        lines += [*_file(file, page), EMPTY]
    verb = "would be rewritten" if dry_run else "rewritten"
    lines += wrap(f"{plural(found.edits, 'place')} in {plural(len(found.files), 'file')} {verb}", page.width)
    for text in consequences(found):
        lines += wrap(text, page.width)
    return lines


def fix_lines(found: Fix, page: Page, *, dry_run: bool) -> list[Line]:
    """What is wrong, the line before and after, and what would still be wrong."""
    lines = [*wrap(f"{found.asset}: {found.problem}", page.width), *_file(found.file, page), EMPTY]
    verb = "would become" if dry_run else "is now"
    lines += wrap(f"{found.written!r} at {found.place} {verb} {found.meant!r}", page.width)
    if found.remains:
        lines += wrap(f"then there is still this: {found.remains}", page.width, "yellow")
    return lines


def consequences(found: Renaming) -> list[str]:
    """What is built again, and what is left alone, in sentences."""
    texts = []
    if found.rebuilt:
        named = ", ".join(found.rebuilt[:_MOST]) + (" …" if len(found.rebuilt) > _MOST else "")
        texts.append(
            f"the next build makes {plural(len(found.rebuilt), 'asset')} again, with the same contents ({named}); "
            "nothing below is touched"
        )
        texts.append(f"what was built as {found.old} keeps its history under that name")
    if found.mentions:
        places = ", ".join(str(place) for place in found.mentions[:_MOST])
        more = " …" if len(found.mentions) > _MOST else ""
        texts.append(f"also named, and left as it is: {places}{more}")
    return texts


def _file(file: FileChange, page: Page) -> list[Line]:
    arrow = "->" if page.ascii else "→"
    title = file.path if file.path == file.becomes else f"{file.path} {arrow} {file.becomes}"
    lines: list[Line] = [*wrap(title, page.width, "bold")]
    width = len(str(max((change.line for change in file.lines), default=1)))
    for change in file.lines:
        for mark, text, style in (("-", change.before, "red"), ("+", change.after, "green")):
            row = line(Span(f"  {change.line:>{width}} ", "dim"), Span(f"{mark} {text}", style))
            lines.append(row if page.width is None else clip(row, page.width))
    return lines
