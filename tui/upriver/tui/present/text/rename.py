"""Text of a renaming or a fix, file by file and line by line."""

from __future__ import annotations

from upriver.assets.model import Key
from upriver.lineage.refactoring.fix import Fix
from upriver.lineage.refactoring.rename.values import ColumnRenaming, FileChange, Renaming
from upriver.tui.present.spans import EMPTY, Line, Page, Span, clip, line, wrap
from upriver.tui.present.words import plural

_MOST = 8


def rename_lines(found: Renaming | ColumnRenaming, page: Page, *, dry_run: bool) -> list[Line]:
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


def consequences(found: Renaming | ColumnRenaming) -> list[str]:
    """What is built again, and what is left alone, in sentences."""
    texts = []
    for one in found.left if isinstance(found, ColumnRenaming) else ():
        texts.append(f"left for you, and broken until then: {one.place}: {one.why}")
    for one in found.kept if isinstance(found, ColumnRenaming) else ():
        texts.append(f"{one.key} goes on calling it {found.old} in its own code: {one.why}")
    column = isinstance(found, ColumnRenaming)
    if isinstance(found, ColumnRenaming) and found.follows:
        texts.append(
            f"{_listed(found.follows)} {'pass' if len(found.follows) > 1 else 'passes'} it on as it comes: there it is "
            f"called {found.new} too; every other column keeps its name"
        )
    elif isinstance(found, ColumnRenaming):
        texts.append("every other column keeps its name")
    if found.rebuilt:
        texts.append(
            f"the next build makes {plural(len(found.rebuilt), 'asset')} again, with the same "
            f"{'values' if column else 'contents'} ({_listed(found.rebuilt)}); nothing below is touched"
        )
        if isinstance(found, Renaming):
            texts.append(f"what was built as {found.old} keeps its history under that name")
    if found.mentions:
        places = ", ".join(str(place) for place in found.mentions[:_MOST])
        more = " …" if len(found.mentions) > _MOST else ""
        texts.append(f"also named, and left as it is: {places}{more}")
    return texts


def _listed(keys: tuple[Key, ...]) -> str:
    return ", ".join(keys[:_MOST]) + (" …" if len(keys) > _MOST else "")


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
