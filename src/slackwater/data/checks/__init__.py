"""What a tape holds: damage, oddities, gaps, clocks and steps, day by day."""
