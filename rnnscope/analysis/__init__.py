"""Questions asked of signals, one a file; each takes arrays and gives a result with a ``.table``."""
