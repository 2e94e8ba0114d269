"""Faces of Upriver: the command line and the terminal UI."""
