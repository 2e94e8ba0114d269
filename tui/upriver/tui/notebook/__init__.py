"""The Python API: a project in a notebook or a script, with answers that show themselves as text and as HTML."""
