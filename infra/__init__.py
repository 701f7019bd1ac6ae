"""How it is done: one vendor or technique a file, each behind a port of core."""
