"""Confinement of a process to what it was given: files by Landlock, sockets and the like by a seccomp filter."""
