"""Sources observed: which version they hold, and copies of what is not read in place."""
