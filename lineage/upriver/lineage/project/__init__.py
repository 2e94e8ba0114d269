"""Derivation of a project from declarations: names resolved, graph, fingerprints, code parts."""
