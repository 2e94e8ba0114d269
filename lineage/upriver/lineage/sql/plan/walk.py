"""A walk over DuckDB's bound, unoptimized plan: which source columns make and decide each output column.

References in the plan are positions in the output of the node below, so each node's output is computed from those of
its children. Row filters travel the other way: a conjunct that no join, aggregate or limit on its way could turn
into another meaning reaches the scan and becomes part of its predicate.

An expression or node that the walk does not know is taken to depend on every column of every table below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from upriver.assets.model import Key, Schema
from upriver.lineage.model import Volatility
from upriver.lineage.sql.names import quote
from upriver.lineage.sql.parse.files import PURE_TABLE_FUNCTIONS
from upriver.lineage.sql.plan import columns as plan_columns
from upriver.lineage.sql.plan import rows as plan_rows
from upriver.lineage.sql.plan.expressions import Expressions
from upriver.lineage.sql.plan.flow import (
    NO_INFLUENCE,
    NOTHING,
    NOWHERE,
    Flow,
    Node,
    Relation,
    UnknownShapeError,
    merged,
)
from upriver.lineage.sql.plan.joins import joined
from upriver.lineage.sql.plan.predicate import predicate_text
from upriver.lineage.sql.plan.shape import JOIN_NODES, Filter, Filters
from upriver.lineage.sql.plan.volatility import VolatileFunctions


class PlanWalk(Expressions):
    """One plan. *key_of* gives the upstream for a schema and table of the plan.

    *row_identifiers* are the sources that stand for DuckDB's ``rowid``. *order_free* are the ids of nodes whose
    lists are taken apart again above, by something else than position.
    """

    def __init__(
        self,
        key_of: Mapping[tuple[str, str], Key],
        schemas: Mapping[Key, Schema],
        volatile_functions: VolatileFunctions,
    ) -> None:
        super().__init__(schemas, volatile_functions)
        self.key_of = key_of
        self.row_identifiers: set[int] = set()
        self.order_free: set[int] = set()
        self.filter_numbers: dict[int, int] = {}
        self._scan_numbers: dict[int, int] = {}
        self._ctes: dict[int, Node] = {}
        self._cte_uses: dict[int, int] = {}
        self._cte_results: dict[int, Relation] = {}

    def relation(self, plan: Node) -> Relation:
        """The output of the whole plan."""
        self._count_cte_uses(plan)
        return self.walk(plan, ())

    def _count_cte_uses(self, node: Node) -> None:
        if node["type"] == "LOGICAL_CTE_REF":
            self._cte_uses[node["cte_index"]] = self._cte_uses.get(node["cte_index"], 0) + 1
        for child in node["children"]:
            self._count_cte_uses(child)

    def walk(self, node: Node, filters: Filters) -> Relation:
        """The output of *node*, whose rows matter only where all *filters* hold."""
        try:
            if node.get("projection_map") and node["type"] != "LOGICAL_FILTER":
                raise UnknownShapeError("a node that drops columns")
            result = self._known(node, filters)
        except (UnknownShapeError, LookupError, TypeError, ValueError) as error:
            result = self._unknown(node, f"plan node {node.get('type')} is not understood ({error!r})")
        if "table_index" in node:
            self.tables[node["table_index"]] = result
        return result

    def _known(self, node: Node, filters: Filters) -> Relation:
        kind = node["type"]
        match kind:
            case "LOGICAL_GET":
                return self._get(node, filters)
            case "LOGICAL_PROJECTION":
                return plan_columns.projection(self, node, filters)
            case "LOGICAL_FILTER":
                return plan_rows.filtered(self, node, filters)
            case kind if kind in JOIN_NODES:
                return joined(self, node, filters)
            case "LOGICAL_AGGREGATE_AND_GROUP_BY":
                return plan_columns.aggregated(self, node)
            case "LOGICAL_PIVOT":
                return plan_columns.pivoted(self, node)
            case "LOGICAL_WINDOW":
                return plan_columns.windowed(self, node)
            case "LOGICAL_UNNEST":
                return plan_columns.unnested(self, node, filters)
            case "LOGICAL_DISTINCT":
                return plan_rows.distinct(self, node, filters)
            case "LOGICAL_ORDER_BY":
                return plan_rows.sorted_rows(self, node, filters)
            case "LOGICAL_LIMIT":
                return plan_rows.limited(self, node)
            case "LOGICAL_SAMPLE":
                return plan_rows.sampled(self, node)
            case "LOGICAL_UNION":
                return plan_rows.stacked([self.walk(child, filters) for child in node["children"]])
            case "LOGICAL_EXCEPT" | "LOGICAL_INTERSECT":
                return plan_rows.compared(self, node)
            case "LOGICAL_MATERIALIZED_CTE":
                self._ctes[node["table_index"]] = node["children"][0]
                return self.walk(node["children"][1], filters)
            case "LOGICAL_CTE_REF":
                return self._cte_reference(node, filters)
            case "LOGICAL_RECURSIVE_CTE":
                return self._recursive(node)
            case "LOGICAL_EXPRESSION_GET":
                return plan_columns.value_list(self, node)
            case "LOGICAL_CHUNK_GET":
                return Relation([NOTHING] * len(node["chunk_types"]))
            case "LOGICAL_DUMMY_SCAN":
                return Relation([NOTHING], unique=(frozenset(),))
            case "LOGICAL_EMPTY_RESULT":
                return Relation([NOTHING] * len(node["return_types"]))
        return self._unknown(node, f"plan node {kind} is not known")

    def _unknown(self, node: Node, cause: str) -> Relation:
        scans = self._scans_below(node)
        everything = self.everything(scans, cause)
        self.note_volatile(node)
        return Relation([], everything.influence, scans, unknown=everything)

    def _scans_below(self, node: Node) -> frozenset[int]:
        found: set[int] = set()
        match node["type"]:
            case "LOGICAL_GET" if (key := self._key(node)) is not None:
                found.add(self._scan_number(node, key))
            case "LOGICAL_CTE_REF":
                found |= self._cte_reference(node, ()).scans
            case "LOGICAL_MATERIALIZED_CTE":
                self._ctes[node["table_index"]] = node["children"][0]
        for child in node["children"]:
            found |= self._scans_below(child)
        return frozenset(found)

    # Scans

    def _key(self, node: Node) -> Key | None:
        if node["qname"]["path"][-1] != "seq_scan":
            return None
        data = node["function_data"]
        return self.key_of[data["schema"], data["table"]]

    def _scan_number(self, node: Node, key: Key) -> int:
        """A node walked several times (recursion) is one scan."""
        number = self._scan_numbers.get(id(node))
        if number is None:
            number = self._scan_numbers[id(node)] = self.sources.scan(key)
        return number

    def _get(self, node: Node, filters: Filters) -> Relation:
        key = self._key(node)
        if key is None:
            return self._table_function(node)
        number = self._scan_number(node, key)
        scan, names = self.sources.scans[number], node["names"]
        indexes = [column["index"] for column in node["column_indexes"]]
        columns = [Flow(frozenset({self._source(number, index, names)})) for index in indexes]
        predicates = set()
        for filter_ in filters:
            text = _predicate(filter_, indexes, names)
            if text is None:
                scan.escaped.add(filter_.number)
            else:
                scan.captured.add(filter_.number)
                predicates.add(text)
        scan.predicates.append(" AND ".join(sorted(predicates)) or None)
        return Relation(columns, scans=frozenset({number}))

    def _source(self, scan: int, index: int, names: list[str]) -> int:
        if index != NOWHERE:
            return self.sources.column(scan, names[index])
        # The row identifier; also what stands there when rows are only counted.
        marker = self.sources.marker(frozenset({scan}))
        self.row_identifiers.add(marker)
        return marker

    def _table_function(self, node: Node) -> Relation:
        """A function such as range(): its columns are made from all its arguments, which decide the rows too."""
        columns = len(node["column_indexes"])
        name = node["qname"]["path"][-1]
        if name not in PURE_TABLE_FUNCTIONS:  # a macro can hide one that lists the catalog
            self.volatile[Volatility(name, "build")] = None
        if not node["children"]:
            return Relation([NOTHING] * columns)
        below = self.walk(node["children"][0], ())
        kept = [below.column(index) for index in node["projected_input"]]
        arguments = [flow for flow in below.columns if not self.is_marker(flow)]
        argument = merged(arguments, "unnest")
        rows = below.rows | argument.as_influence("unnest")
        return Relation([argument] * columns + kept, rows, below.scans, unknown=below.unknown)

    # Common table expressions

    def _cte_reference(self, node: Node, filters: Filters) -> Relation:
        index = node["cte_index"]
        known = self._cte_results.get(index)
        if known is None:
            alone = self._cte_uses[index] == 1
            known = self._cte_results[index] = self.walk(self._ctes[index], filters if alone else ())
        return replace(known, order=NO_INFLUENCE, total=False)

    def _recursive(self, node: Node) -> Relation:
        """Walk the recursive part until nothing new flows into the table."""
        start, step = node["children"]
        distinct = not node["union_all"]
        result = plan_rows.without_duplicates(self.walk(start, ()), distinct)
        outer = set(self._cte_results)
        while True:
            # Tables defined within the recursive part see what the table holds by now.
            self._cte_results = {index: r for index, r in self._cte_results.items() if index in outer}
            self._cte_results[node["table_index"]] = replace(result, unique=())
            turn = plan_rows.without_duplicates(self.walk(step, ()), distinct)
            grown = plan_rows.stacked([result, turn])
            if node.get("key_targets") or node.get("ref_recurring"):
                grown = grown.with_rows(self.reads_order(grown))
            if (grown.columns, grown.rows, grown.scans) == (result.columns, result.rows, result.scans):
                return grown
            result = grown


def _predicate(filter_: Filter, indexes: list[int], names: list[str]) -> str | None:
    if any(indexes[position] == NOWHERE for position in filter_.columns.values()):
        return None
    return predicate_text(filter_.expression, lambda index: quote(names[indexes[filter_.columns[index]]]))
