"""What stands around the machine: it reads tapes, drives the loop and writes down what came out. No decisions."""
