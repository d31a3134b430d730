"""Research on finished runs: what a run directory says, as a report and side by side with others."""
