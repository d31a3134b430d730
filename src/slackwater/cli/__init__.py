"""The command line: one file per family of sub-commands, thin. It parses, calls and prints; it decides nothing."""
