"""View models: what a screen or a table shows of an answer, without the toolkit."""
