"""The column graph of a whole project, and questions about it."""
