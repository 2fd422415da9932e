"""What a probe is trained on: the values of units, read when they are asked for, and labels."""
