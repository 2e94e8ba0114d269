"""Polars recipes over two small tables, one for each thing that recipes do."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

import polars as pl
from polars import col as c
from polars import selectors as cs
from tests.lineage.polars.mixed_recipes import MIXED

Recipe = Callable[[pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]

DAY = dt.date(2024, 1, 1)


def flights(rows: int = 24, seed: int = 7) -> pl.DataFrame:
    """A fact table with nulls, repeated values, floats, dates, lists and structs."""
    draw = random.Random(seed)

    def maybe(value: object) -> object:
        return None if draw.random() < 0.1 else value

    return pl.DataFrame(
        {
            "id": list(range(rows)),
            "carrier": [draw.choice("ABCD") for _ in range(rows)],
            "origin": [maybe(draw.choice(["JFK", "LAX", "sfo"])) for _ in range(rows)],
            "delay": [maybe(draw.randrange(-20, 90)) for _ in range(rows)],
            "dist": [maybe(round(draw.uniform(1, 900), 3)) for _ in range(rows)],
            "day": [DAY + dt.timedelta(days=draw.randrange(12)) for _ in range(rows)],
            "at": [dt.datetime(2024, 1, 1) + dt.timedelta(hours=5 * i) for i in range(rows)],
            "late": [maybe(draw.random() < 0.5) for _ in range(rows)],
            "tags": [[draw.choice("xyz") for _ in range(draw.randrange(1, 3))] for _ in range(rows)],
            "spot": [{"gate": draw.randrange(5), "hall": draw.choice("NS")} for _ in range(rows)],
            "spare": [draw.randrange(100) for _ in range(rows)],
        },
        schema_overrides={"spot": pl.Struct({"gate": pl.Int64, "hall": pl.String})},
    )


def carriers() -> pl.DataFrame:
    """A dimension table that matches three of four carriers, and one that nobody flies with."""
    return pl.DataFrame(
        {
            "carrier": ["A", "B", "C", "Z"],
            "name": ["Ant", "Bee", "Cat", "Zoo"],
            "delay": [1, 2, 3, 4],
            "since": [DAY, DAY + dt.timedelta(days=3), DAY + dt.timedelta(days=6), DAY],
            "spare": [5, 6, 7, 8],
        }
    )


RECIPES: dict[str, Recipe] = {
    "select": lambda f, k: f.select("id", (c.delay + 1).alias("next"), c.dist),
    "with_columns": lambda f, k: f.select("id", "delay").with_columns(double=c.delay * 2, one=pl.lit(1)),
    "rename": lambda f, k: f.select("id", "delay").rename({"delay": "late_by"}),
    "drop": lambda f, k: f.drop("spare", "tags", "spot", "at", "late", "day", "dist", "origin"),
    "filter": lambda f, k: f.filter(c.delay > 10).select("id"),
    "filter_two": lambda f, k: f.filter(c.delay > 10, c.carrier == "A").select("id", "dist"),
    "filter_or": lambda f, k: f.filter((c.delay > 50) | (c.origin == "JFK")).select("id"),
    "filter_is_in": lambda f, k: f.filter(c.carrier.is_in(["A", "B"])).select("id"),
    "filter_not_in": lambda f, k: f.filter(~c.carrier.is_in(["A", "B"])).select("id"),
    "filter_between": lambda f, k: f.filter(c.day.is_between(DAY, dt.date(2024, 1, 5))).select("id"),
    "filter_null": lambda f, k: f.filter(c.dist.is_null()).select("id"),
    "filter_boolean": lambda f, k: f.filter("late").select("id"),
    "filter_missing": lambda f, k: f.filter(c.origin.ne_missing("JFK")).select("id"),
    "filter_datetime": lambda f, k: f.filter(c.at >= dt.datetime(2024, 1, 3)).select("id"),
    "filter_string": lambda f, k: f.filter(c.origin.str.starts_with("J"), c.delay < 40).select("id"),
    "filter_computed": lambda f, k: f.with_columns(z=c.delay * 2).filter(c.z > 20).select("id"),
    "remove": lambda f, k: f.remove(c.delay > 10).select("id"),
    "filter_by_mean": lambda f, k: f.filter(c.delay > c.delay.median()).select("id"),
    "sum": lambda f, k: f.select(c.delay.sum(), n=pl.len()),
    "count": lambda f, k: f.select(pl.len()),
    "float_mean": lambda f, k: f.select(c.dist.mean()),
    "group_by": lambda f, k: f.group_by("carrier").agg(c.delay.sum(), n=pl.len()),
    "group_by_two": lambda f, k: f.group_by("carrier", c.day.dt.month()).agg(c.delay.max(), c.dist.median()),
    "group_by_first": lambda f, k: f.group_by("carrier").agg(c.id.first(), c.delay.last()),
    "group_by_list": lambda f, k: f.group_by("carrier", maintain_order=True).agg(c.delay),
    "group_by_filter": lambda f, k: f.group_by("carrier").agg(c.delay.filter(c.late).sum()),
    "group_by_sorted": lambda f, k: f.group_by("carrier").agg(c.id.sort_by("delay", "id").first()),
    "group_by_quantile": lambda f, k: f.group_by("carrier").agg(c.delay.quantile(0.5), c.origin.n_unique()),
    "group_by_std": lambda f, k: f.group_by("carrier").agg(c.dist.std()),
    "group_by_head": lambda f, k: f.select("carrier", "id").group_by("carrier").head(1),
    "top_groups": lambda f, k: (
        f.group_by("carrier").agg(c.delay.sum()).sort("delay", "carrier", descending=True).head(2)
    ),
    "value_counts": lambda f, k: f.select(c.carrier.value_counts()),
    "unique_values": lambda f, k: f.select(c.carrier.unique()),
    "n_unique": lambda f, k: f.select(c.carrier.n_unique(), c.origin.null_count()),
    "inner_join": lambda f, k: f.select("id", "carrier").join(k.select("carrier", "name"), on="carrier"),
    "left_join": lambda f, k: f.select("id", "carrier", "delay").join(
        k.select("carrier", "name", "delay"), on="carrier", how="left"
    ),
    "right_join": lambda f, k: f.select("id", "carrier").join(
        k.select("carrier", "name"), on="carrier", how="right"
    ),
    "full_join": lambda f, k: f.select("id", "carrier").join(
        k.select("carrier", "name"), on="carrier", how="full"
    ),
    "full_join_one_key": lambda f, k: f.select("id", "carrier").join(
        k.select("carrier", "name"), on="carrier", how="full", coalesce=True
    ),
    "join_other_names": lambda f, k: f.select("id", "carrier").join(
        k.select("name", code="carrier"), left_on="carrier", right_on="code"
    ),
    "join_on_expression": lambda f, k: f.select("id", "carrier").join(
        k.select("name", "carrier"),
        left_on=c.carrier.str.to_lowercase(),
        right_on=c.carrier.str.to_lowercase(),
    ),
    "semi_join": lambda f, k: f.select("id", "carrier").join(k.filter(c.delay > 1), on="carrier", how="semi"),
    "anti_join": lambda f, k: f.select("id", "carrier").join(k, on="carrier", how="anti"),
    "cross_join": lambda f, k: f.select("id").join(k.select("name"), how="cross"),
    "join_where": lambda f, k: f.select("id", "day").join_where(k.select("name", "since"), c.day < c.since),
    "asof_join": lambda f, k: (
        f.select("id", "day").sort("day").join_asof(k.sort("since"), left_on="day", right_on="since")
    ).select("id", "name"),
    "asof_join_by": lambda f, k: (
        f.select("id", "day", "carrier")
        .sort("day")
        .join_asof(k.sort("since"), left_on="day", right_on="since", by="carrier", check_sortedness=False)
        .select("id", "name")
    ),
    "self_join": lambda f, k: f.select("id", "carrier").join(
        f.filter(c.delay > 30).select("carrier", "dist"), on="carrier"
    ),
    "sort": lambda f, k: f.select("id", "delay").sort("delay"),
    "sort_head": lambda f, k: f.sort("delay", "id").select("id").head(3),
    "top_k": lambda f, k: f.select("id", "delay").top_k(3, by="delay"),
    "head": lambda f, k: f.head(4).select("id"),
    "tail": lambda f, k: f.tail(4).select("delay"),
    "slice": lambda f, k: f.filter(c.delay > 0).slice(2, 3).select("id"),
    "unique": lambda f, k: f.select("carrier", "origin").unique(),
    "unique_subset": lambda f, k: f.unique("carrier", keep="first", maintain_order=True).select(
        "id", "carrier"
    ),
    "unique_none": lambda f, k: f.unique("carrier", keep="none").select("id"),
    "concat": lambda f, k: pl.concat([f.select("carrier", "delay"), k.select("carrier", "delay")]),
    "concat_horizontal": lambda f, k: pl.concat([f.select("id").head(4), k.select("name")], how="horizontal"),
    "concat_diagonal": lambda f, k: pl.concat(
        [f.select("carrier", "id"), k.select("carrier", "name")], how="diagonal"
    ),
    "merge_sorted": lambda f, k: (
        f.select("carrier", "delay")
        .sort("delay")
        .merge_sorted(k.select("carrier", "delay").sort("delay"), "delay")
    ),
    "unpivot": lambda f, k: f.unpivot(["delay", "spare"], index="id"),
    "pivot": lambda f, k: f.pivot(
        "carrier", on_columns=["A", "B"], index="day", values="delay", aggregate_function="sum"
    ),
    "explode": lambda f, k: f.select("id", "tags").explode("tags"),
    "explode_other": lambda f, k: f.select("id", "tags").explode("tags").select("id"),
    "unnest": lambda f, k: f.select("id", "spot").unnest("spot"),
    "struct": lambda f, k: f.select(pl.struct("id", "delay").alias("both")),
    "struct_field": lambda f, k: f.select(c.spot.struct.field("gate")),
    "list_length": lambda f, k: f.select("id", n=c.tags.list.len()),
    "list_eval": lambda f, k: f.select("id", up=c.tags.list.eval(pl.element().str.to_uppercase())),
    "strings": lambda f, k: f.select(c.origin.str.to_uppercase(), both=pl.concat_str("carrier", "origin")),
    "dates": lambda f, k: f.select(c.day.dt.year(), weekday=c.day.dt.weekday(), on=c.at.dt.truncate("1d")),
    "when": lambda f, k: f.select(how=pl.when(c.delay > 20).then(c.carrier).otherwise(pl.lit("on time"))),
    "coalesce": lambda f, k: f.select(a=pl.coalesce("dist", "delay"), b=c.delay.fill_null(c.spare)),
    "cast": lambda f, k: f.select(c.delay.cast(pl.String), c.id.cast(pl.Float64)),
    "selectors": lambda f, k: f.select(cs.integer() - cs.by_name("spare")),
    "row_index": lambda f, k: f.select("id").with_row_index("nr"),
    "row_index_filtered": lambda f, k: f.filter(c.delay > 5).with_row_index("nr").select("nr", "id"),
    "row_index_only": lambda f, k: f.with_row_index("nr").select("nr"),
    "shift": lambda f, k: f.select("id", before=c.delay.shift()),
    "shift_sorted": lambda f, k: f.sort("at").select("id", before=c.delay.shift()),
    "cum_sum": lambda f, k: f.select(c.delay.cum_sum()),
    "diff_over": lambda f, k: f.select("id", d=c.spare.diff().over("carrier", order_by="at")),
    "over": lambda f, k: f.select("id", share=c.delay / c.delay.sum().over("carrier")),
    "rank": lambda f, k: f.select("id", r=c.delay.rank("dense").over("carrier")),
    "rank_ordinal": lambda f, k: f.select("id", r=c.carrier.rank("ordinal")),
    "rolling_expression": lambda f, k: f.sort("at").select("id", r=c.spare.rolling_sum_by("at", "12h")),
    "rolling_rows": lambda f, k: f.select("id", r=c.spare.rolling_mean(3)),
    "rolling": lambda f, k: f.sort("at").rolling("at", period="1d", group_by="carrier").agg(c.spare.sum()),
    "group_by_dynamic": lambda f, k: f.sort("at").group_by_dynamic("at", every="1d").agg(c.spare.sum()),
    "forward_fill": lambda f, k: f.select("id", c.delay.forward_fill()),
    "interpolate": lambda f, k: f.select(c.dist.interpolate()),
    "sort_expression": lambda f, k: f.select(c.delay.sort()),
    "two_sorts": lambda f, k: f.select(c.delay.sort(), c.spare.sort()),
    "filter_expression": lambda f, k: f.select(c.id.filter(c.delay > 10)),
    "drop_nulls": lambda f, k: f.drop_nulls("delay").select("id"),
    "fill_null": lambda f, k: f.select("id", "delay", "spare").fill_null(0),
    "max_horizontal": lambda f, k: f.select("id", m=pl.max_horizontal("delay", "spare")),
    "map_elements": lambda f, k: f.select(
        "id", x=c.spare.map_elements(lambda v: v * 2 + 1 if v else 0, return_dtype=pl.Int64)
    ),
    "map_batches": lambda f, k: f.select("id", "delay", "carrier").map_batches(lambda d: d.sort("delay")),
    "fold": lambda f, k: f.select(pl.fold(pl.lit(0), lambda a, b: a + b, ["spare", "id"]).alias("x")),
    "sql": lambda f, k: f.sql("select carrier, sum(spare) as s from self where id > 3 group by carrier"),
    "cached": lambda f, k: (lambda g: g.join(g.group_by("carrier").len(), on="carrier"))(
        f.select("id", "carrier").cache()
    ),
    "every_column": lambda f, k: f.with_columns(c.delay.fill_null(0)).drop("spot", "tags"),
    "nothing": lambda f, k: f.select(x=pl.lit(1)),
    "literal_beside": lambda f, k: f.select("id").with_columns(x=pl.lit("a")),
    "hash_and_replace": lambda f, k: f.select(c.origin.hash(seed=1), r=c.carrier.replace({"A": "a"})),
    "is_duplicated": lambda f, k: f.select("id", d=c.carrier.is_duplicated()),
    "is_first": lambda f, k: f.select("id", d=c.carrier.is_first_distinct()),
    "arg_max": lambda f, k: f.select(c.delay.arg_max()),
    "arg_sort": lambda f, k: f.select(c.delay.arg_sort()),
    "gather": lambda f, k: f.select(c.id.gather([0, 2])),
    "reverse": lambda f, k: f.select("id", "delay").reverse(),
    "series_literal": lambda f, k: f.select("id", w=pl.Series(range(24))),
    "chain": lambda f, k: (
        f.filter(c.late.fill_null(True))
        .join(k, on="carrier", how="left")
        .with_columns(slow=c.delay > c.delay_right)
        .group_by("name")
        .agg(c.slow.sum(), worst=c.delay.max(), far=c.dist.max())
        .filter(c.worst > 0)
        .sort("name")
    ),
    **MIXED,
}
