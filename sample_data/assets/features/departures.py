"""What is known about a flight when it should leave."""

import polars as pl
from flightlib.weather import FREEZING_FAHRENHEIT, LOW_VISIBILITY_MILES

from upriver.assets import asset

LATE_MINUTES = 15  # the line that the US Department of Transportation draws


@asset(tags=["features"])
def departures(flight_weather: pl.LazyFrame) -> pl.LazyFrame:
    """One row per flight that arrived and whose weather is known: the label ``late`` and what may explain it.

    Every feature is known at the scheduled departure; no delay is among them.
    """
    return flight_weather.filter(
        pl.col("arrival_delay").is_not_null(),
        pl.all_horizontal(
            pl.col("temperature_f", "wind_knots", "visibility_miles", "rain_hundredths").is_not_null()
        ),
    ).select(
        "flight_id",
        "flight_date",
        "wind_knots",
        late=pl.col("arrival_delay") >= LATE_MINUTES,
        hours_since_five=pl.col("scheduled_hour") - 5,
        weekend=(pl.col("flight_date").dt.weekday() >= 6).cast(pl.Int8),
        summer=pl.col("flight_date").dt.month().is_in([6, 7, 8]).cast(pl.Int8),
        from_newark=(pl.col("origin") == "EWR").cast(pl.Int8),
        from_kennedy=(pl.col("origin") == "JFK").cast(pl.Int8),
        hundred_miles=pl.col("distance_miles") / 100,
        low_visibility=(pl.col("visibility_miles") < LOW_VISIBILITY_MILES).cast(pl.Int8),
        rain=(pl.col("rain_hundredths") > 0).cast(pl.Int8),
        freezing=(pl.col("temperature_f") <= FREEZING_FAHRENHEIT).cast(pl.Int8),
    )
