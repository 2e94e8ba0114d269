"""Places and edits in the text of a query."""
