"""What a person writes: the ``@asset`` decorator, sources, secrets, and the options of each."""
