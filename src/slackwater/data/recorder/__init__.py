"""Recording live streams: which streams a recording needs and where, and what of their trades is new, repeated or missing."""
