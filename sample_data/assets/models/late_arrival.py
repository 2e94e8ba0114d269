"""A small model of late arrivals: trained on January to September, tried on the rest of the year."""

import json
from datetime import date
from pathlib import Path

import polars as pl

from upriver.assets import asset

TRAINING_ENDS = date(2013, 10, 1)
FEATURES = (
    "hours_since_five",
    "weekend",
    "summer",
    "from_newark",
    "from_kennedy",
    "hundred_miles",
    "wind_knots",
    "low_visibility",
    "rain",
    "freezing",
)


@asset(kind="file", suffix=".json", tags=["models"], timeout="5m")
def late_arrival_model(departures: pl.LazyFrame) -> bytes:
    """Return a logistic regression as JSON: an intercept, and a weight for each feature.

    JSON, because it can be read by eye and by anything, and runs no code when it is loaded.
    """
    # scikit-learn is an optional extra: a build that does not reach this asset needs none.
    from sklearn.linear_model import LogisticRegression

    training = (
        departures.filter(pl.col("flight_date") < TRAINING_ENDS)
        .sort("flight_id")  # the fit adds floats in the order of the rows
        .select("late", *FEATURES)
        .collect()
    )
    # Many rows and few columns: this solver needs five steps, and no scaled features.
    fitted = LogisticRegression(solver="newton-cholesky", tol=1e-8).fit(
        training.select(FEATURES).to_numpy(), training["late"].to_numpy()
    )
    model = {
        "trained_before": TRAINING_ENDS.isoformat(),
        "flights": training.height,
        # Rounded: the last bits of a fit differ between machines, and must not rebuild what reads it.
        "intercept": round(float(fitted.intercept_[0]), 4),
        "weights": {
            name: round(float(weight), 4) for name, weight in zip(FEATURES, fitted.coef_[0], strict=True)
        },
    }
    return json.dumps(model, indent=2).encode()


@asset(tags=["models"])
def late_arrival_scores(departures: pl.LazyFrame, late_arrival_model: Path) -> pl.LazyFrame:
    """One row per flight after the training months: the probability of a late arrival, and what happened."""
    model = json.loads(late_arrival_model.read_text(encoding="utf-8"))
    logit = pl.lit(model["intercept"])
    for name, weight in model["weights"].items():
        logit += pl.col(name) * weight
    return (
        departures.filter(pl.col("flight_date") >= date.fromisoformat(model["trained_before"]))
        .select("flight_id", "flight_date", probability=(1 / (1 + (-logit).exp())).round(4), late="late")
        .sort("flight_id")
    )
