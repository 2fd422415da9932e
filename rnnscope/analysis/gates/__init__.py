"""What gates do over a whole text: saturation and timescales."""
