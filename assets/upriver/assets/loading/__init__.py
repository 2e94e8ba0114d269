"""From a project's files to declarations: SQL modules, Python modules and what importing them reads."""
