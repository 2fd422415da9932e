"""How far back a network remembers: in text, unit by unit, and on problems with a known floor."""
