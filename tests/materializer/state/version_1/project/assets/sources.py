from upriver.assets import asset, source

orders = source("raw.orders", "data/orders.csv")
rates = source("raw.rates", "data/rates.parquet")


@asset(suffix=".txt")
def report() -> bytes:
    """A file asset, which reads nothing."""
    return b"three orders\n"
