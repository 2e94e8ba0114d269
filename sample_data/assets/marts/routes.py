"""Where people fly."""

import polars as pl

from upriver.assets import asset, check

ROUTES_PER_MONTH = 10


@asset(tags=["marts"])
def busiest_routes(staging_flights: pl.LazyFrame, staging_airports: pl.LazyFrame) -> pl.LazyFrame:
    """One row per month and rank: the ten routes with the most departures."""
    departures = (
        staging_flights.filter(~pl.col("cancelled"))
        .group_by("flight_month", "origin", "destination")
        .agg(flights=pl.len())
    )
    # Routes with as many flights are ranked by their codes: the tenth place must not be a matter of luck.
    ranked = (
        departures.sort(
            "flight_month", "flights", "origin", "destination", descending=[False, True, False, False]
        )
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("flight_month"))
        .filter(pl.col("rank") <= ROUTES_PER_MONTH)
    )
    return (
        ranked.join(staging_airports, left_on="destination", right_on="airport", how="left", validate="m:1")
        .select(
            "flight_month",
            "rank",
            "origin",
            "destination",
            # The list of airports leaves out Puerto Rico and the Virgin Islands.
            pl.coalesce("airport_name", "destination").alias("destination_name"),
            "flights",
        )
        .sort("flight_month", "rank")
    )


@check(of="marts.busiest_routes")
def no_rank_is_left_out(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Find the months in which the ranks are not 1, 2, 3, … to the last."""
    months = rows.group_by("flight_month").agg(ranks=pl.len(), last=pl.col("rank").max())
    return months.filter(pl.col("ranks") != pl.col("last"))
