"""Materialization: freshness, plans, runs, engines, store and state, behind one session."""
