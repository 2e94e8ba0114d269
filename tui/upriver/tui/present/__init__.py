"""Answers as words, figures, tables, JSON and view models; no screen and no command is known here."""
