"""Quality gates: checks held against contents, verdicts that are remembered, contracts, unit tests."""
