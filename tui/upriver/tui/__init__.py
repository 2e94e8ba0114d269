"""What is shown: the command line and the terminal UI."""
