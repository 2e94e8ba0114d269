"""One module for each command: ``configure(parser)`` says what it accepts, ``run(invocation)`` does it."""
