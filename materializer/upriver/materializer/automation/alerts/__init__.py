"""Alerts: the transitions of incidents that each receiver is told of, and an outbox that loses none."""
