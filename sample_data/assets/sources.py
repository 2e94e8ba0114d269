"""The feeds: files under data/, as convert.py wrote them from the published packages.

Nothing here reads a file. A source is a name, a place and a sentence; the recipes refer to it by its name.
"""

from upriver.assets import source

flights = source(
    "raw.flights",
    "data/flights/*.parquet",
    description="Every scheduled departure from EWR, JFK and LGA in 2013, one file per month.",
)
weather = source(
    "raw.weather",
    "data/weather.parquet",
    description="Hourly weather reports of the three airports; time_hour is UTC.",
)
planes = source(
    "raw.planes",
    "data/planes.csv",
    description="The aircraft registry of the FAA, as far as it knew the tail numbers.",
)
airports = source("raw.airports", "data/airports.csv", description="Names and positions of US airports.")
airlines = source("raw.airlines", "data/airlines.csv", description="Carrier codes and names.")
fx_rates = source(
    "raw.fx_rates",
    "data/fx_rates.ndjson",
    description="Reference rates of the European Central Bank: units of a currency per euro.",
)
