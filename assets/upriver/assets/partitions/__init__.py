"""Partitions as they are declared: dimensions, the keys of slices as text, and ranges of keys."""
