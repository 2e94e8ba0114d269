"""The command line: arguments, help, completion, signals; one module a command."""
