"""Systems as sources: databases, lakes, stores of files and APIs, each behind one of ``[connections]``."""
