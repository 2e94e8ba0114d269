"""Changes of a project's files that are proven before they are written."""
