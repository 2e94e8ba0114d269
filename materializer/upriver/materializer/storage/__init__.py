"""Artifacts on a local disk, durable files, locks, folders of processes."""
