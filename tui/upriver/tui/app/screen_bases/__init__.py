"""Bases of screens: base classes and mixins."""
