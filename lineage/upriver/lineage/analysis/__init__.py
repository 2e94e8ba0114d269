"""Analyses of recipes (columns, reads, edges), cached, and the process that plans Python recipes."""
