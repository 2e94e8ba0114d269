"""What the weather does to departures."""

import polars as pl
from flightlib.weather import LOW_VISIBILITY_MILES, STRONG_WIND_KNOTS

from upriver.assets import asset


@asset(tags=["marts"])
def weather_delays(flight_weather: pl.LazyFrame) -> pl.LazyFrame:
    """One row per airport and weather condition: how many flights left, how late, and how many did not."""
    condition = (
        pl.when(pl.col("visibility_miles") < LOW_VISIBILITY_MILES)
        .then(pl.lit("low visibility"))
        .when(pl.col("rain_hundredths") > 0)
        .then(pl.lit("rain"))
        .when(pl.col("wind_knots") >= STRONG_WIND_KNOTS)
        .then(pl.lit("strong wind"))
        .otherwise(pl.lit("fair"))
    )
    return (
        flight_weather.filter(pl.col("visibility_miles").is_not_null())
        .group_by("origin", condition.alias("condition"))
        .agg(
            flights=pl.len(),
            cancelled_share=pl.col("cancelled").mean().round(4),
            average_departure_delay=pl.col("departure_delay").mean().round(2),
        )
        .sort("origin", "condition")
    )
