"""How hard the aircraft work."""

import polars as pl
from flightlib.airtime import air_hours, workload

from upriver.assets import asset


@asset(tags=["marts"])
def aircraft_utilisation(staging_flights: pl.LazyFrame, staging_planes: pl.LazyFrame) -> pl.LazyFrame:
    """One row per known airliner that flew: its days in service, flights and hours in the air.

    Only flights out of New York count, so these are not the hours of its whole year.
    """
    return (
        staging_flights.filter(pl.col("air_minutes").is_not_null())
        .group_by("tail_number")
        .agg(
            days_flown=pl.col("flight_date").n_unique(),
            flights=pl.len(),
            minutes=pl.col("air_minutes").sum(),
        )
        .join(staging_planes.filter("airliner"), on="tail_number", how="inner", validate="1:1")
        .select(
            "tail_number",
            "maker",
            "model",
            "seats",
            "days_flown",
            "flights",
            air_hours=air_hours(pl.col("minutes")).round(1),
            workload=workload(pl.col("minutes"), pl.col("days_flown")),
        )
        .sort("tail_number")
    )
