"""The project folder: its files, its ``upriver.toml``, a new one, and what is wrong between declarations."""
