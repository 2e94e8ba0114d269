"""Worker processes on this machine, and what they read without declaring it."""
