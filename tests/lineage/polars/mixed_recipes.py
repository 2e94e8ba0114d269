"""Recipes that put several things on top of each other, or use those that are rarely used."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
from polars import col as c
from polars import selectors as cs

MIXED: dict[str, Callable[[pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]] = {
    "over_two_keys_in_order": lambda f, k: f.select(
        "id",
        run=c.spare.cum_sum().over("carrier", c.day.dt.month(), order_by=["delay", "id"]),
        top=c.dist.max().over("origin"),
    ),
    "over_mapped_to_groups": lambda f, k: f.select(
        c.id.sort_by("delay").over("carrier", mapping_strategy="explode"), c.carrier.sort()
    ),
    "over_joined_lists": lambda f, k: f.select(
        "id", c.delay.over("carrier", mapping_strategy="join", order_by="at")
    ),
    "rolling_by_over": lambda f, k: f.sort("at").select(
        "id", r=c.spare.rolling_max_by("at", "20h").over("carrier"), s=c.spare.rolling_quantile(0.5, window_size=3)
    ),
    "rolling_two_aggregates": lambda f, k: (
        f.sort("day").rolling("day", period="3d").agg(a=c.delay.max(), b=c.dist.filter(c.late).min())
    ),
    "asof_join_nearest_by": lambda f, k: (
        f.sort("day")
        .join_asof(
            k.sort("since"), left_on="day", right_on="since", by="carrier", strategy="nearest", tolerance="4d",
            check_sortedness=False,
        )
        .select("id", "name", gap=c.delay_right)
    ),
    "join_where_two_conditions": lambda f, k: (
        f.select("id", "day", "delay", "origin")
        .join_where(k.select("name", "since", limit="delay"), c.day >= c.since, c.delay > c.limit)
        .select("id", "name", "origin")
    ),
    "join_nulls_equal_suffix": lambda f, k: f.select("id", "delay").join(
        k.select("delay", "spare", id=c.spare), on="delay", how="left", nulls_equal=True, suffix="_k"
    ),
    "unpivot_then_filter": lambda f, k: (
        f.unpivot(cs.by_name("delay", "spare"), index=["id", "late"], variable_name="what")
        .filter(c.what == "delay", c.late)
        .select("id", "value")
    ),
    "pivot_two_values": lambda f, k: f.pivot(
        "origin", on_columns=["JFK", "LAX"], index="carrier", values=["delay", "dist"], aggregate_function="max"
    ),
    "struct_fields_renamed": lambda f, k: f.select(
        "id", c.spot.struct.rename_fields(["g", "h"]).struct.field("h"), w=c.spot.struct.with_fields(n=c.spare)
    ),
    "struct_sorted_in_groups": lambda f, k: (
        f.group_by("carrier").agg(pl.struct("delay", "id").sort().last().alias("m")).unnest("m")
    ),
    "list_eval_twice": lambda f, k: f.select(
        "id", r=c.tags.list.eval(pl.element().rank()), s=c.tags.list.eval(pl.element().filter(pl.element() != "x"))
    ),
    "list_index_by_a_column": lambda f, k: f.select(
        "id", g=c.tags.list.get(c.spare % 2, null_on_oob=True), j=c.tags.list.join("-"), n=c.tags.list.contains(c.origin)
    ),
    "list_agg_exploded": lambda f, k: f.group_by("carrier").agg("tags", "id").explode("tags", "id").select("tags", "id"),
    "when_chain": lambda f, k: f.select(
        "id",
        w=pl.when(c.delay > 40)
        .then(c.origin)
        .when(c.dist < 300)
        .then(c.carrier)
        .when(c.late)
        .then(pl.lit("late"))
        .otherwise(None),
    ),
    "when_two_conditions_in_an_aggregate": lambda f, k: f.group_by("carrier").agg(
        s=pl.when(c.late, c.delay > 0).then("spare").otherwise(0).sum(), n=c.id.n_unique()
    ),
    "diagonal_relaxed": lambda f, k: pl.concat(
        [f.select("carrier", "id", "delay"), k.select("carrier", id=c.delay.cast(pl.Float64)), f.select("dist")],
        how="diagonal_relaxed",
    ).filter(c.carrier != "A"),
    "align_of_two": lambda f, k: pl.concat(
        [f.unique("carrier", keep="any").select("carrier"), k.select("carrier", "name")], how="align"
    ),
    "dynamic_groups_offset": lambda f, k: (
        f.sort("day")
        .group_by_dynamic("day", every="3d", period="4d", offset="1d", include_boundaries=True, group_by="carrier")
        .agg(c.delay.max(), n=pl.len())
        .select("carrier", "_lower_boundary", "delay", "n")
    ),
    "map_batches_of_columns": lambda f, k: f.select(
        "id", m=pl.map_batches(["delay", "spare"], lambda s: s[0].fill_null(0) + s[1], return_dtype=pl.Int64)
    ),
    "cumulative": lambda f, k: f.select(
        "id", mx=c.delay.cum_max(), n=c.origin.cum_count(), p=c.spare.cum_min(reverse=True), e=c.spare.ewm_mean(alpha=0.5)
    ),
    "shift_by_a_length": lambda f, k: f.select("id", s=c.delay.shift(2, fill_value=c.spare.max()), d=c.dist.pct_change()),
    "sort_by_two_inside": lambda f, k: f.select(
        x=c.id.sort_by(c.delay.abs(), "dist", descending=[True, False], nulls_last=True), y=c.carrier
    ),
    "filter_on_another_frame": lambda f, k: f.filter(
        c.carrier.is_in(k.filter(c.spare > 5).select("carrier").collect().to_series().to_list())
    ).select("id"),
    "semi_filter_on_another_frame": lambda f, k: (
        f.with_columns(hit=c.delay > 0).join(k.filter(c.name != "Bee"), on="carrier", how="semi").select("id", "hit")
    ),
    "row_index_in_a_filter": lambda f, k: (
        f.filter(c.late).with_row_index("nr", offset=3).filter(c.nr % 2 == 0).select("id", "dist")
    ),
    "unique_last_of_a_sort": lambda f, k: (
        f.sort("delay", "id").unique(["carrier", "origin"], keep="last", maintain_order=True).select("id", "spare")
    ),
    "unique_any_of_key_only": lambda f, k: f.unique("carrier", keep="any").select("carrier"),
    "top_k_by_two": lambda f, k: f.top_k(4, by=["late", "delay"]).select("id", "dist"),
    "bottom_k_in_groups": lambda f, k: f.group_by("carrier").agg(c.id.bottom_k_by("delay", 2), t=c.dist.top_k(1)),
    "sample_seeded": lambda f, k: f.select(c.id.sample(5, seed=3), d=c.delay.shuffle(seed=1).head(5)),
    "arg_where_and_search": lambda f, k: f.select(
        a=pl.arg_where(c.delay > 50).first(), s=c.id.search_sorted(c.spare.min()), g=c.id.get(c.delay.arg_min())
    ),
    "clip_and_counts": lambda f, k: f.select(
        "id", b=c.delay.clip(0, c.spare), q=c.spare.rle_id(), u=c.carrier.is_unique()
    ),
    "replace_by_another_column": lambda f, k: f.select(
        "id", r=c.carrier.replace_strict({"A": "x"}, default=c.origin), z=pl.concat_list("delay", "spare").list.max()
    ),
    "nested_over_in_filter": lambda f, k: f.filter(c.delay == c.delay.max().over("carrier")).select("id", "origin"),
    "having": lambda f, k: f.group_by("carrier").having(c.delay.sum() > 50).agg(c.dist.max(), w=c.origin.first()),
    "update_from_another": lambda f, k: (
        f.select("carrier", "id", "delay").update(k.select("carrier", "delay"), on="carrier", how="left")
    ),
    "left_join_then_drop_keys": lambda f, k: (
        f.join(k, on="carrier", how="left").with_columns(c.name.fill_null("none")).group_by("name").agg(c.spare.sum())
    ),
    "gather_every_and_interleave": lambda f, k: (
        f.gather_every(3).select("id", "delay").with_columns(z=c.delay.backward_fill())
    ),
    "match_to_other_length": lambda f, k: f.select(
        "id", i=c.carrier.index_of("B"), m=c.carrier.mode(maintain_order=True).first(), v=c.dist.implode().list.len()
    ),
    "select_by_type_after_cast": lambda f, k: (
        f.with_columns(c.delay.cast(pl.Float64)).select(cs.float().round(0), cs.boolean(), cs.by_name("id"))
    ),
}  # fmt: skip
