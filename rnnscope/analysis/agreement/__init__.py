"""Number agreement: which of two verbs a language model prefers, and what that rests on."""
