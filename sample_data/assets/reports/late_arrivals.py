"""A page for people who do not run queries."""

import json
from html import escape
from pathlib import Path

import polars as pl

from upriver.assets import asset


@asset(kind="file", suffix=".html", tags=["reports"])
def late_arrivals(late_arrival_model: Path, calibration: pl.DataFrame, carrier_delays: pl.LazyFrame) -> bytes:
    """Return an HTML page: what drives late arrivals, how far to trust the model, and the carriers' year."""
    model = json.loads(late_arrival_model.read_text(encoding="utf-8"))
    weights = pl.DataFrame(
        {"feature": list(model["weights"]), "weight": list(model["weights"].values())}
    ).sort("weight", "feature", descending=[True, False])
    carriers = (
        carrier_delays.group_by("carrier_name")
        .agg(pl.col("flights", "late_flights").sum())
        .with_columns(late_share=(pl.col("late_flights") / pl.col("flights")).round(3))
        .sort("late_share", "carrier_name")
        .collect()
    )
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Late arrivals out of New York, 2013</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }}
  table {{ border-collapse: collapse; width: 100% }}
  th, td {{ border-bottom: 1px solid #ddd; padding: .25rem .5rem; text-align: right }}
  th:first-child, td:first-child {{ text-align: left }}
</style>
<h1>Late arrivals out of New York, 2013</h1>
<p>A flight is late when it arrives 15 minutes or more after its time. The model was trained on
{model["flights"]:,} flights before {escape(model["trained_before"])} and tried on those after.</p>
<h2>What makes a flight late</h2>
{html_table(weights)}
<h2>What the model said, and what happened</h2>
{html_table(calibration.sort("at_least"))}
<h2>The carriers</h2>
{html_table(carriers)}
</html>
""".encode()


def html_table(frame: pl.DataFrame) -> str:
    """Return *frame* as an HTML table, every value escaped."""
    heads = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in frame.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>"
        for row in frame.iter_rows()
    )
    return f"<table>\n<tr>{heads}</tr>\n{rows}\n</table>"
