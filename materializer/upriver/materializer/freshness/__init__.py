"""Whether an asset is stale, and why: traces verified against contents."""
