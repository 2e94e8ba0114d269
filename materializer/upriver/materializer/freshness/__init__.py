"""Freshness of assets, and the reasons: traces verified against contents."""
