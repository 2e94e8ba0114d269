"""Rewriting recipes: renamed keys and columns, misspelled names."""
