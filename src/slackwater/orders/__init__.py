"""How it is done: orders, their life-cycle, and the three groups that own them. Nothing here decides to trade."""
