"""When it is done: one function per subscription, and the command line."""
