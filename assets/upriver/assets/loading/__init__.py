"""Loading of declarations from a project's files: SQL modules, Python modules and what importing them reads."""
