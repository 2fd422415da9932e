"""Networks that other programs trained: what they are is read off the names and shapes of their weights."""
