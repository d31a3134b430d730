"""Files that users have: read by format into rows of a tape, checked on the way, and written for other programs."""
