"""Alerts: who is told of which transitions of incidents, and an outbox that loses none."""
