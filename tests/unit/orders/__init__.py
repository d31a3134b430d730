"""Orders, one record at a time."""
