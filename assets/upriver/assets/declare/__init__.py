"""Declarations as they are written: the ``@asset`` decorator, sources, secrets, and the options of each."""
