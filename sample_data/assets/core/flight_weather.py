"""Flights with the weather that they met at their gate."""

import polars as pl

from upriver.assets import asset


@asset(tags=["core"])
def flight_weather(staging_flights: pl.LazyFrame, staging_weather: pl.LazyFrame) -> pl.LazyFrame:
    """One row per scheduled departure, with the weather report of its airport in the scheduled hour.

    Some 1,500 flights have no report; they stay, with nulls.
    """
    return staging_flights.join(
        staging_weather,
        left_on=["origin", "scheduled_hour_utc"],
        right_on=["origin", "hour_utc"],
        how="left",
        validate="m:1",
    ).select(
        "flight_id",
        "flight_date",
        "scheduled_hour",
        "carrier",
        "origin",
        "destination",
        "distance_miles",
        "departure_delay",
        "arrival_delay",
        "cancelled",
        "temperature_f",
        "wind_knots",
        "visibility_miles",
        "rain_hundredths",
    )
