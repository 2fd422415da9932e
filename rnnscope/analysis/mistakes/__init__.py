"""Which characters a network gets wrong, beside another and beside n-grams."""
