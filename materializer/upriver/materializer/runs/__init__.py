"""Runs that were and are: event logs, history, costs, stopping."""
