"""What we hold, what it earned, what we owe ourselves, and what the last closes taught."""
