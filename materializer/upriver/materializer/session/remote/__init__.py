"""The session served by another process: protocol, clients, servers."""
