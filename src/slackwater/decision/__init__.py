"""What should we do: gates that return a reason, sizes, targets and exits. Nothing here sends an order."""
