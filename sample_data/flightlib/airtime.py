"""Hours in the air, and what they mean.

An asset follows the functions that it calls, not the file they are in: ``marts.aircraft_utilisation`` is
rebuilt when ``air_hours``, ``workload`` or a constant of theirs changes, and not for ``cruise_speed``.
"""

import polars as pl

MINUTES_PER_HOUR = 60
BUSY_HOURS_PER_DAY = 4
LIGHT_HOURS_PER_DAY = 2


def air_hours(minutes: pl.Expr) -> pl.Expr:
    """Return hours for whole minutes in the air."""
    return minutes / MINUTES_PER_HOUR


def workload(minutes: pl.Expr, days_flown: pl.Expr) -> pl.Expr:
    """Return ``light``, ``regular`` or ``busy`` for minutes in the air over a number of days in service."""
    hours_per_day = air_hours(minutes) / days_flown
    return (
        pl.when(hours_per_day >= BUSY_HOURS_PER_DAY)
        .then(pl.lit("busy"))
        .when(hours_per_day >= LIGHT_HOURS_PER_DAY)
        .then(pl.lit("regular"))
        .otherwise(pl.lit("light"))
    )


def cruise_speed(distance_miles: pl.Expr, minutes: pl.Expr) -> pl.Expr:
    """Return the mean speed in miles per hour. No asset uses it: change it, and nothing is rebuilt."""
    return distance_miles / air_hours(minutes)
