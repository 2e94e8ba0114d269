"""Leaves without a word of the domain: supervised processes, redaction, checksums, quantities."""
