"""Back through time: how far a gradient reaches, and what one step does to the state."""
