"""Static pages of a project: a folder that a browser opens without a server."""
