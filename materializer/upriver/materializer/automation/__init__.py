"""Goals kept by the clock: which hold, which are late and why, and the loop that builds what is due."""
