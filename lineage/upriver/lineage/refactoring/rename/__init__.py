"""Rename of an asset or source: every place that names it, found and rewritten."""
