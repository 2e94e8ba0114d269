"""Incidents: what fails, is late or blocked, one for each root cause, noticed, acknowledged and recovered."""
