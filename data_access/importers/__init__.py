"""One mapping per source, and the one way to read them all."""
