"""Slices of assets in SQL: the key of a row, and the ranges of columns that hold the rows of a slice."""
