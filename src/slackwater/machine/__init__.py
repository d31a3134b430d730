"""The state machine: one event in, commands and rows out. No clock, no I/O."""
