"""Verifying, repairing and collecting what is stored."""
