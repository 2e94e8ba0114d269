"""Values as lines of text: pure functions from what the session answers to styled spans."""
