"""Environments: the named sets of pointers of a project."""
