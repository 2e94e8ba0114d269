"""Random edits of a random project: of its data, of the columns of its sources, of its code; and edits that mean nothing."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from tests.materializer.random_builds.projects import (
    COLUMNS,
    Node,
    RandomProject,
    Row,
    add_node,
    random_row,
    settle,
)

Edit: TypeAlias = Callable[["Editor"], None]


class Editor:
    """Edits *project*, all choices taken from *choose*."""

    def __init__(self, project: RandomProject, choose: random.Random, python_share: float) -> None:
        self.project = project
        self.choose = choose
        self.python_share = python_share
        self._earlier: dict[str, list[Row]] = {}
        self._saved: list[RandomProject] = []

    # -- rows --------------------------------------------------------------------------------------------
    def _source(self) -> str:
        return self.choose.choice(sorted(self.project.rows))

    def _put_rows(self, name: str, rows: list[Row]) -> None:
        self._earlier[name] = self.project.rows[name]
        self.project.rows[name] = rows
        self.project.write_source(name)

    def rows(self) -> None:
        """Rows come, go, change, move, or come twice."""
        name = self._source()
        rows = list(self.project.rows[name])
        at = self.choose.randrange(len(rows))
        match self.choose.randrange(6):
            case 0:
                rows.append(random_row(self.choose, len(rows)))
            case 1 | 2:
                changed = list(rows[at])
                changed[self.choose.randrange(4)] = self.choose.randrange(6)
                rows[at] = tuple(changed)
            case 3 if len(rows) > 1:
                del rows[at]
            case 4 if len(rows) < 20:
                rows.append(rows[at])
            case _:
                self.choose.shuffle(rows)
        self._put_rows(name, rows)

    def _filtering(self) -> tuple[str, Node | None]:
        """A source, and an asset that takes only some of its rows."""
        readers = [n for n in self.project.nodes.values() if n.kind in RandomProject.FILTER_KINDS]
        readers = [n for n in readers if n.reads[0].startswith("raw.")]
        node = self.choose.choice(readers) if readers else None
        return (node.reads[0][4:] if node else self._source()), node

    def _add_at_limit(self, above: int) -> None:
        name, node = self._filtering()
        rows = list(self.project.rows[name])
        row = (len(rows), self.choose.randrange(4), (node.constant if node else 1) + above, 0)
        rows.insert(self.choose.randrange(len(rows) + 1), row)
        self._put_rows(name, rows[:25])

    def excluded(self) -> None:
        """A row more that a filter just leaves out."""
        self._add_at_limit(0)

    def let_in(self) -> None:
        """A row more that a filter just lets in."""
        self._add_at_limit(1)

    def reorder(self) -> None:
        """The same rows, the first behind the last."""
        name, _ = self._filtering()
        rows = self.project.rows[name]
        self._put_rows(name, [*rows[1:], rows[0]])

    def unread(self) -> None:
        """One value in a column that few read."""
        self._change(lambda row: (*row[:3], ((row[3] or 0) + 1) % 3))

    def read(self) -> None:
        """One value in a column that most read; now and then it becomes null, or is no longer."""
        value = self.choose.choice((0, 1, 2, 3, 4, 5, None))
        self._change(lambda row: (*row[:2], value, row[3]))

    def shuffled(self) -> None:
        """Two rows exchange one value: every column holds what it held."""
        name, _ = self._filtering()
        rows = list(self.project.rows[name])
        if len(rows) > 1:
            one, other = self.choose.sample(range(len(rows)), 2)
            column = self.choose.randrange(1, 4)
            a, b = list(rows[one]), list(rows[other])
            a[column], b[column] = b[column], a[column]
            rows[one], rows[other] = tuple(a), tuple(b)
        self._put_rows(name, rows)

    def change_value(self, name: str, column: str) -> None:
        """One value of a column of a source."""
        rows = list(self.project.rows[name])
        at, place = self.choose.randrange(len(rows)), COLUMNS.index(column)
        rows[at] = (*rows[at][:place], (rows[at][place] or 0) + 1, *rows[at][place + 1 :])
        self._put_rows(name, rows)

    def _change(self, change: Callable[[Row], Row]) -> None:
        name, _ = self._filtering()
        rows = list(self.project.rows[name])
        at = self.choose.randrange(len(rows))
        rows[at] = change(rows[at])
        self._put_rows(name, rows)

    def revert(self) -> None:
        """The rows of a source as they were before."""
        name = self._source()
        self._put_rows(name, list(self._earlier.get(name, self.project.rows[name])))

    def touch(self) -> None:
        """Same bytes, another time."""
        self.project.touch(self._source())

    def nothing(self) -> None:
        """All files are written again as they are."""
        self.project.write()

    # -- columns -----------------------------------------------------------------------------------------
    def columns(self) -> None:
        """A source gets, loses, renames, retypes or moves a column that no explicit query names."""
        name = self._source()
        extras = dict(self.project.extras.get(name, {}))
        free = [column for column in ("x", "y", "z") if column not in extras]
        match self.choose.randrange(5):
            case 0 if free:
                extras[free[0]] = 7
            case 1 if extras:
                del extras[self.choose.choice(list(extras))]
            case 2 if extras and free:
                old = self.choose.choice(list(extras))
                extras = {(free[0] if column == old else column): value for column, value in extras.items()}
            case 3 if extras:
                extras[self.choose.choice(list(extras))] = self.choose.choice((7, 8, "text", 7.5))
            case _:
                self.project.headers[name] = self.project.headers.get(name, 0) + 1
        self.project.extras[name] = extras
        self.project.write_source(name)

    def drift(self) -> None:
        """A text source gets a column; one that has more than the rest is no longer what it was."""
        name = self.choose.choice(self.project.texts())
        extras = dict(self.project.extras.get(name, {}))
        column = self.choose.choice(list(extras or "xyz"))
        if column in extras and self.choose.random() < 0.4:
            del extras[column]
        else:
            extras[column] = self.choose.choice(
                [one for one in (7, "text", 7.5) if one != extras.get(column)]
            )
        self.project.extras[name] = extras
        self.project.write_source(name)

    # -- code --------------------------------------------------------------------------------------------
    def _node(self) -> Node:
        return self.choose.choice(list(self.project.nodes.values()))

    def constant(self) -> None:
        """A constant in a recipe."""
        node = self._node()
        node.constant = (node.constant + self.choose.randrange(1, 4)) % 4
        self.project.write_node(node)

    def comment(self) -> None:
        """A comment in a recipe."""
        node = self._node()
        node.comment += 1
        self.project.write_node(node)

    def kind(self) -> None:
        """A recipe becomes another, in the same language."""
        node = self._node()
        kinds = RandomProject.PYTHON_KINDS if node.python else RandomProject.SQL_KINDS
        node.kind = self.choose.choice(kinds)
        for one in (node, *settle(self.project)):
            self.project.write_node(one)

    def reads(self) -> None:
        """A recipe reads other upstreams, or the same in another order."""
        node = self._node()
        names = list(self.project.nodes)
        before = [f"m.{name}" for name in names[: names.index(node.name)]]
        earlier = [*(f"raw.{name}" for name in self.project.rows), *before]
        node.reads = self.choose.sample(earlier, k=len(node.reads))
        for one in (node, *settle(self.project)):
            self.project.write_node(one)

    def helper(self) -> None:
        """A helper that some assets use."""
        self.project.helper = self.choose.randrange(1, 4)
        self.project.write_shared()

    def unrelated(self) -> None:
        """A function beside the helper that no asset uses."""
        self.project.unrelated += 1
        self.project.write_shared()

    def grow(self) -> None:
        """One asset more, unless there are many."""
        if len(self.project.nodes) < 40:
            name = f"t{len(self.project.nodes)}"
            add_node(self.project, self.choose, name, self.python_share)
            self.project.write_node(self.project.nodes[name])

    # -- branches ----------------------------------------------------------------------------------------
    def save(self) -> None:
        """Remember how things are, as a branch would."""
        self.project.read_lock()
        self._saved.append(copy.deepcopy(self.project))

    def switch(self) -> None:
        """Everything as it was when it was saved."""
        if not self._saved:
            return self.save()
        now, then = self.project, copy.deepcopy(self.choose.choice(self._saved))
        for name in now.nodes.keys() - then.nodes.keys():
            now.remove_node_files(name)
        vars(now).update(vars(then))
        now.write_lock()
        return now.write()


DATA: Mapping[str, Edit] = MappingProxyType(
    {
        edit.__name__: edit
        for edit in (Editor.rows, Editor.excluded, Editor.let_in, Editor.reorder, Editor.unread)
    }
    | {
        edit.__name__: edit
        for edit in (Editor.read, Editor.shuffled, Editor.revert, Editor.columns, Editor.drift)
    }
)
CODE: Mapping[str, Edit] = MappingProxyType(
    {edit.__name__: edit for edit in (Editor.constant, Editor.kind, Editor.reads, Editor.helper, Editor.grow)}
    | {edit.__name__: edit for edit in (Editor.save, Editor.switch)}
)
IDLE: Mapping[str, Edit] = MappingProxyType(
    {edit.__name__: edit for edit in (Editor.comment, Editor.unrelated, Editor.touch, Editor.nothing)}
)
