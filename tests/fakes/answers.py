"""The half of the fake session that explains and shows: why, lineage, preview, profile, history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from tests.fakes.incidents import INCIDENTS
from tests.fakes.shop import NOW, AssetSpec, influence

from upriver.assets.errors import UsageError
from upriver.assets.identity import Node
from upriver.assets.model import Column, Key, Place
from upriver.lineage.model import EdgeGroup, EdgeKind
from upriver.lineage.refactoring.fix import Fix
from upriver.lineage.refactoring.rename.values import ColumnRenaming, FileChange, LineChange, Renaming
from upriver.materializer.answers import (
    SIGN,
    AssetStatus,
    CodeDiff,
    ColumnNode,
    ColumnProfile,
    Comparison,
    Explanation,
    HistoryEntry,
    Impact,
    Impacts,
    LineageView,
    Link,
    OpaqueNote,
    Profile,
    Step,
    Table,
    ViewEdge,
    ViewGroup,
)
from upriver.materializer.automation.model import ApprovalStatus, GoalReport, GoalState, GoalStatus
from upriver.materializer.inspection.catalogue import CatalogueColumn, CatalogueEntry
from upriver.materializer.model import Action, Cause, Outcome, Reason, State
from upriver.materializer.operations import ProjectApi
from upriver.materializer.ports import Approval, Incident, IncidentState
from upriver.materializer.ports.system import ConnectionEntry, SystemObject
from upriver.materializer.runs.cost_answers import AssetCost, Costs


def one_by_one(edges: Iterable[ViewEdge]) -> tuple[ViewGroup, ...]:
    """Each edge a group of its own."""
    return tuple(ViewGroup((e.source,), (e.target,), e.kind, e.how, e.expression) for e in edges)


ORDER_PAY_DIFF = CodeDiff(
    "core.order_pay",
    Place("assets/core/order_pay.sql", 1),
    (
        "--- assets/core/order_pay.sql",
        "+++ assets/core/order_pay.sql",
        "@@ -2,5 +2,5 @@",
        "     o.order_id,",
        "     o.customer_id,",
        "     o.status,",
        "-    p.amount as amount_usd,",
        "+    p.amount / 100.0 as amount_usd,",
        "     sum(p.amount) over (partition by o.customer_id) as paid_total",
    ),
)

BIG_TABLE = 1_000_000


class Answers(ProjectApi):
    """Reads ``specs`` and ``statuses``, which the concrete session keeps."""

    specs: dict[Key, AssetSpec]
    statuses: dict[Key, AssetStatus]

    def goals(self, select: Sequence[str] = ()) -> GoalReport:
        keys = self.keys(select, sources=False)[:3]
        states = (GoalState.OVERDUE, GoalState.DUE, GoalState.ON_TIME)
        return GoalReport(
            tuple(
                GoalStatus(f"{key}/every", key, "every", "every 1h", state, NOW + 600, None, 60.0, None, ())
                for key, state in zip(keys, states, strict=False)
            )
        )

    def pause_goals(
        self, select: Sequence[str], *, until: float | None = None, resume: bool = False
    ) -> tuple[Key, ...]:
        return self.keys(select, sources=False)

    def connections(self, names: Sequence[str] = (), *, test: bool = False) -> tuple[ConnectionEntry, ...]:
        shop = ConnectionEntry("shop", "postgresql://reader@db.example/shop", ("raw.orders",))
        answered = msgspec.structs.replace(shop, answer="PostgreSQL 18.6, database shop, as reader")
        return (answered if test else shop,)

    def objects(self, connection: str, like: str = "*") -> tuple[SystemObject, ...]:
        return (SystemObject("orders", "table", 1200), SystemObject("sales.lines", "view"))

    def approvals(self, select: Sequence[str] = ()) -> tuple[ApprovalStatus, ...]:
        return tuple(
            ApprovalStatus(key, True, ("raw.orders",)) for key in self.keys(select, sources=False)[:1]
        )

    def approve(self, key: Key, *, by: str, note: str = "") -> ApprovalStatus:
        return ApprovalStatus(key, False, ("raw.orders",), Approval(Node(key), "d", NOW, by, note))

    def incidents(self, *, everything: bool = False) -> tuple[Incident, ...]:
        return INCIDENTS

    def acknowledge(self, incident: str, note: str = "") -> Incident:
        (found,) = (one for one in INCIDENTS if one.id == incident)
        return msgspec.structs.replace(found, state=IncidentState.ACKNOWLEDGED, acknowledged=NOW, note=note)

    @property
    def name(self) -> str:
        return "shop"

    def why(self, key: Key) -> Explanation:
        status = self._status_of(key)
        chain: list[Link] = []
        seen: set[Key] = set()

        def walk(asset: Key, depth: int) -> None:
            if asset in seen:
                return
            seen.add(asset)
            found = self.statuses[asset]
            if found.state is State.FRESH and found.engine != "source":
                return
            own = any(
                r.kind in (Cause.RECIPE, Cause.FAILED, Cause.MISSING) and r.asset == asset
                for r in found.reasons
            )
            root = own or found.engine == "source"
            reasons = found.reasons
            if found.engine == "source" and not reasons:
                reasons = (Reason(Cause.DATA, asset, detail="+12,411 rows at 10:02"),)
            diffs = (ORDER_PAY_DIFF,) if asset == "core.order_pay" else ()
            chain.append(Link(asset, depth, found.state, reasons, diffs, root))
            for reason in found.reasons:
                if reason.asset != asset and reason.asset in self.statuses:
                    walk(reason.asset, depth + 1)

        if status.state is not State.FRESH:
            walk(key, 0)
        rebuild = tuple(
            Step(link.asset, Action.BUILD, link.reasons, self.statuses[link.asset].seconds)
            for link in reversed(chain)
            if self.statuses[link.asset].engine != "source"
        )
        ruled_out = (
            "raw.orders: same data",
            "staging.fx: columns that are not read changed",
            "configuration and environment: same",
            "engine versions: same",
            "3 edits of comments only",
        )
        return Explanation(key, status.state, status.reasons, tuple(chain), ruled_out, rebuild)

    def lineage(
        self,
        key: Key,
        column: str | None = None,
        *,
        upstream: bool = True,
        downstream: bool = True,
        columns: bool = False,
        depth: int | None = None,
    ) -> LineageView:
        self._status_of(key)
        if columns or column is not None:
            return self._column_lineage(key, column, upstream, downstream, depth)
        nodes: dict[Key, None] = {key: None}
        edges: dict[tuple[Key, Key], None] = {}
        for up in (True, False):
            if not (upstream if up else downstream):
                continue
            ring, hops = {key}, 0
            while ring and (depth is None or hops < depth):
                following: set[Key] = set()
                for at in sorted(ring):
                    status = self.statuses[at]
                    for near in status.upstreams if up else status.downstreams:
                        edges[(near, at) if up else (at, near)] = None
                        if near not in nodes:
                            following.add(near)
                            nodes[near] = None
                ring, hops = following, hops + 1
        made = {k: ColumnNode(k, None, None, self.statuses[k].kind) for k in nodes}
        view_edges = tuple(ViewEdge(made[a], made[b], EdgeKind.VALUE) for a, b in edges)
        return LineageView(made[key], tuple(made.values()), one_by_one(view_edges), self._opaque(nodes))

    def _column_lineage(
        self, key: Key, column: str | None, upstream: bool, downstream: bool, depth: int | None
    ) -> LineageView:
        # Only what is near is looked at: a list of 10,000 asks with every move of its cursor.
        def types(at: tuple[Key, str]) -> str | None:
            return next((c.type for c in self.specs[at[0]].columns if c.name == at[1]), None)

        def into(at: tuple[Key, str]) -> Iterator[tuple[tuple[Key, str], str, str | None]]:
            for made in self.specs[at[0]].columns:
                if made.name == at[1]:
                    for source, source_column, how, expression in made.reads:
                        yield (source, source_column), how, expression

        def out(at: tuple[Key, str]) -> Iterator[tuple[tuple[Key, str], str, str | None]]:
            for reader in self.statuses[at[0]].downstreams:
                for made in self.specs[reader].columns:
                    for source, source_column, how, expression in made.reads:
                        if (source, source_column) == at:
                            yield (reader, made.name), how, expression

        starts = [(key, column)] if column is not None else [(key, c.name) for c in self.specs[key].columns]
        if column is not None and types((key, column)) is None:
            raise UsageError(f"{key} has no column {column!r}")
        nodes = dict.fromkeys(starts)
        edges: dict[tuple[tuple[Key, str], tuple[Key, str], str, str | None], None] = {}
        for up, wanted in ((True, upstream), (False, downstream)):
            ring, hops = list(starts) if wanted else [], 0
            while ring and (depth is None or hops < depth):
                following = []
                for at in ring:
                    for near, how, expression in (into if up else out)(at):
                        edges[(near, at, how, expression) if up else (at, near, how, expression)] = None
                        if near not in nodes:
                            nodes[near] = None
                            following.append(near)
                ring, hops = following, hops + 1
        made_nodes = {n: ColumnNode(n[0], n[1], types(n), self.statuses[n[0]].kind) for n in nodes}
        view_edges = tuple(
            ViewEdge(made_nodes[a], made_nodes[b], influence(how), how, expression)
            for a, b, how, expression in edges
        )
        focus = ColumnNode(key, column, types((key, column or "")), self.statuses[key].kind)
        opaque = self._opaque({n[0] for n in nodes})
        return LineageView(focus, tuple(made_nodes.values()), one_by_one(view_edges), opaque)

    def _opaque(self, keys: object) -> tuple[OpaqueNote, ...]:
        return tuple(
            OpaqueNote(k, "Python over collected rows: every column may flow into every other")
            for k in keys  # type: ignore[attr-defined]
            if self.specs[k].engine == "python"
        )

    def impact(self, since: str | None = None) -> Impacts:
        because = Reason(
            Cause.RECIPE, "core.order_pay", ("amount_usd",), "value changed, DECIMAL(18,2) → DOUBLE"
        )
        gone = Reason(Cause.SCHEMA, "marts.customers", ("plan",), "no longer there")
        return (
            Impact("marts.orders", "amount_usd", "changes", because),
            Impact("marts.revenue", "revenue", "changes", because),
            Impact("marts.customers", "lifetime_value", "changes", because),
            Impact("marts.churn", "pro_users", "breaks", gone),
        )  # fmt: skip

    def renaming(self, old: Key, new: Key) -> Renaming:
        if new in self.specs:
            raise UsageError(f"there is {new} already, at {self.specs[new].place}")
        own = self._status_of(old)
        assert own.place is not None
        becomes = f"assets/{new.replace('.', '/')}.sql"
        lines = (LineChange(3, f"from {old}", f"from {new}"),)
        readers = [self.specs[key].place.path for key in own.downstreams]
        files = (
            FileChange(own.place.path, becomes, "", b"", 0),
            *(FileChange(path, path, "", b"", 1, lines) for path in readers),
        )
        return Renaming(old, new, files, (new, *own.downstreams), (Place("README.md", 7, 3),))

    def column_renaming(self, key: Key, column: str, new: str, *, leave: bool = False) -> ColumnRenaming:
        own = self._status_of(key)
        if new in {one.name for one in self.specs[key].columns}:
            raise UsageError(f"{key} has a column {new} already")
        assert own.place is not None
        readers = [one.asset for one in self.dropping(key, column)]
        files = tuple(
            FileChange(path, path, "", b"", 1, (LineChange(3, before, after),))
            for path, before, after in (
                (own.place.path, f"  {column},", f"  {column} as {new},"),
                *(
                    (self.specs[one].place.path, f"  x.{column},", f"  x.{new} as {column},")
                    for one in readers
                ),
            )
        )
        return ColumnRenaming(
            key, column, new, files, (), (key, *readers), (), (), (Place("README.md", 9, 3),)
        )

    def dropping(self, key: Key, column: str) -> Impacts:
        because = Reason(Cause.SCHEMA, key, (column,), "dropped, and needed here")
        readers = {
            reader: self.specs[reader].place
            for reader in self.statuses[key].downstreams
            for made in self.specs[reader].columns
            if any(read[:2] == (key, column) for read in made.reads)
        }
        return tuple(
            Impact(reader, None, "breaks", because, Place(place.path, 8, 5))
            for reader, place in readers.items()
        )

    def cost(self, select: Sequence[str] = (), *, runs: int = 20) -> Costs:
        looked_at = [entry for entry in self.runs(runs) if entry.finished is not None]
        results = [result for entry in looked_at for result in self.run(entry.id).assets]
        found = []
        for number, (key, status) in enumerate(self.statuses.items()):
            if status.engine == "source":
                continue
            own = [result for result in results if result.asset == key]
            built, failed, reused = (
                sum(result.action is outcome for result in own)
                for outcome in (Outcome.BUILT, Outcome.FAILED, Outcome.REUSED)
            )
            peak = None if status.seconds is None else 20_000_000 * (number % 7 + 1)
            found.append(
                AssetCost(
                    key, status.seconds, sum(result.seconds for result in own), built, failed, reused + number % 3,
                    (reused + number % 3) * (status.seconds or 0.0), status.rows, status.bytes, peak,
                )
            )  # fmt: skip
        return Costs(len(looked_at), looked_at[-1].started if looked_at else None, tuple(found))

    def fix(self, key: Key) -> Fix:
        place = self._status_of(key).place
        wrong = self.specs[key].error[0] if self.specs[key].error else ""
        if "column" not in wrong or place is None:
            raise UsageError(
                f"{key} can't be fixed by itself: only you can tell what is meant\n  hint: open it"
            )
        line = LineChange(
            3, "    sum(c.plan = 'pro') as pro_users,", "    sum(c.plan_tier = 'pro') as pro_users,"
        )
        file = FileChange(place.path, place.path, "", b"", 1, (line,))
        return Fix(key, wrong, Place(place.path, 3, 9), "plan", "plan_tier", file)

    def sql(self, query: str, *, limit: int | None = None) -> Table:
        return Table(("answer",), ("INTEGER",), ((42,),), 1)

    def preview(
        self,
        key: Key,
        *,
        limit: int = 50,
        offset: int = 0,
        order_by: Sequence[tuple[str, bool]] = (),
        where: str | None = None,
        at: str | None = None,
        against: str | None = None,
    ) -> Table:
        status = self._status_of(key)
        if status.kind == "file":
            raise UsageError(f"{key} is a file, not a table")
        if status.rows is None:
            raise UsageError(f"{key} was never built")
        if where is not None and "boom" in where:
            raise UsageError('Binder Error: column "boom" not found')
        columns = self.specs[key].columns
        if against is not None:
            names = (SIGN, *(c.name for c in columns))
            pairs = [(sign, *(_value(c.name, c.type, n) for c in columns)) for n in range(3) for sign in "-+"]
            return Table(names, ("VARCHAR", *(c.type for c in columns)), tuple(pairs[offset:]), len(pairs))
        total = status.rows if where is None else status.rows // 10
        total -= 0 if at is None else 12
        backwards = bool(order_by and order_by[0][1])
        rows = []
        for position in range(offset, min(offset + limit, total)):
            number = total - 1 - position if backwards else position
            rows.append(tuple(_value(c.name, c.type, number) for c in columns))
        return Table(tuple(c.name for c in columns), tuple(c.type for c in columns), tuple(rows), total)

    def compare(self, key: Key, before: str = "before") -> Comparison:
        entries = self.history(key)
        if len(entries) < 2:
            raise UsageError(f"{key} has held nothing else before, or it is not kept any more")
        then = entries[1] if before == "before" else next(e for e in entries if e.id == before)
        rows = self._status_of(key).rows or 0
        return Comparison(key, then.id, then.run, then.materialized_at, rows - 12, rows, 15, 3)

    def profile(self, key: Key, *, at: str | None = None, quantiles: bool | None = None) -> Profile:
        status = self._status_of(key)
        rows = (status.rows or 0) - (0 if at is None else 12)
        columns = self.specs[key].columns
        return Profile(
            key,
            rows,
            status.bytes or 0,
            tuple(Column(c.name, c.type) for c in columns),
            tuple(
                ColumnProfile(
                    c.name, c.type, i % 2 * rows // 250, max(1, rows // (i + 1)), "1", "9,800", "39.90",
                    (2, 9, 31, 74, 55, 30, 11, 4),
                )
                for i, c in enumerate(columns)
            ),
        )  # fmt: skip

    def catalogue(self, select: Sequence[str] = ()) -> tuple[CatalogueEntry, ...]:
        def edges(spec: AssetSpec) -> Iterator[EdgeGroup]:
            for column in spec.columns:
                for up, read, how, expression in column.reads:
                    yield EdgeGroup(up, (read,), (column.name,), influence(how), how, expression)

        return tuple(
            CatalogueEntry(
                key,
                tuple(CatalogueColumn(one.name, one.type) for one in spec.columns),
                tuple(edges(spec)),
                code="\n".join(spec.text),
                language="python" if spec.engine == "python" else "sql",
            )
            for key, spec in self.specs.items()
        )

    def recipe_text(self, key: Key) -> tuple[str, str]:
        self._status_of(key)
        spec = self.specs[key]
        return "\n".join(spec.text) + "\n", "python" if spec.engine == "python" else "sql"

    def history(self, key: Key | None = None, limit: int = 50) -> tuple[HistoryEntry, ...]:
        keys = [key] if key is not None else [k for k, s in self.specs.items() if s.seconds is not None]
        entries = [
            HistoryEntry(
                f"{asset}-{number}",
                asset,
                f"{number:04d}",
                NOW - (9 - number) * 3 * 3600.0,
                (self.specs[asset].seconds or 0.5) * (1 + 0.1 * ((number * 5) % 7 - 3) / 3),
                None
                if self.specs[asset].rows is None
                else int((self.specs[asset].rows or 0) * (0.9 + number / 80)),
                (self.specs[asset].rows or 0) * 26,
                f"{number:x}a41d7f90"[:8],
                number == 8,
            )
            for asset in keys
            if self.specs[asset].seconds is not None
            for number in range(6 if self.specs[asset].error else 8, 0, -1)
        ]
        return tuple(sorted(entries, key=lambda e: -e.materialized_at)[:limit])

    def _status_of(self, key: Key) -> AssetStatus:
        if key not in self.statuses:
            raise UsageError(f"there is no asset {key!r}")
        return self.statuses[key]


_WORDS = ("paid", "new", "returned", "paid", "shipped")


def _value(name: str, type: str, number: int) -> Any:
    if type == "BIGINT":
        return 1_000_000 + number if name.endswith("id") else number * 37 % 9_973
    if type.startswith("D") and type != "DATE":
        return round((number * 7919 % 98_000) / 100, 2)
    if type == "DATE":
        return f"2025-{number // 28 % 12 + 1:02d}-{number % 28 + 1:02d}"
    return None if number % 11 == 3 else _WORDS[number % len(_WORDS)]
