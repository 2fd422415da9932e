"""Data to train and test on: named, the same for everybody, and the user's own."""
