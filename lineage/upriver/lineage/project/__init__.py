"""From declarations to the derived project: names resolved, graph, fingerprints, code parts."""
