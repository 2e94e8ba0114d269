"""What a ticket may have cost, in dollars and in euros.

The flights carry no prices. The two constants are an assumption, not data: a flat part and a part per mile
that together give about 175 USD for the mean flight of 1,049 miles, one way. Put your own numbers here, and
only this asset and what reads it are rebuilt.
"""

import polars as pl

from upriver.assets import asset

BASE_USD_CENTS = 5_000
USD_CENTS_PER_MILE = 12


@asset(inputs={"flights": "staging.flights", "rates": "staging.fx_rates"}, tags=["finance"])
def estimated_fares(flights: pl.LazyFrame, rates: pl.LazyFrame) -> pl.LazyFrame:
    """One row per day and route flown: flights, and the estimated one-way fare in whole cents."""
    usd_per_eur = rates.filter(pl.col("currency") == "USD").select(
        "rate_date", usd_per_eur=pl.col("per_eur").cast(pl.Float64)
    )
    fare = BASE_USD_CENTS + USD_CENTS_PER_MILE * pl.col("distance_miles").cast(pl.Int64)
    return (
        flights.filter(~pl.col("cancelled"))
        .group_by("flight_date", "origin", "destination", "distance_miles")
        .agg(flights=pl.len())
        .join(usd_per_eur, left_on="flight_date", right_on="rate_date", how="left", validate="m:1")
        .select(
            "flight_date",
            "origin",
            "destination",
            "flights",
            fare_usd_cents=fare,
            fare_eur_cents=(fare / pl.col("usd_per_eur")).round().cast(pl.Int64),
        )
        .sort("flight_date", "origin", "destination")
    )
