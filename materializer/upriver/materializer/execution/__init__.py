"""A build: scheduler, attempts, memory budget, commits."""
