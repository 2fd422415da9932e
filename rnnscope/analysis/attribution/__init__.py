"""What an output is due to: the characters that were read, and the units that carried them."""
