"""Rename of a column, where it is made and wherever it is read: found by asking the engines, proven by them.

Which words of a query mean a column is not read off the text. Each way of rewriting is bound over the renamed tables,
the engine says which words it no longer knows, and a way counts when the bound plan is that of before up to the name.
"""
