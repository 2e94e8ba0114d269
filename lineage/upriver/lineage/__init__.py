"""Derivation from declarations: the graph, column lineage, read footprints, recipe fingerprints."""
