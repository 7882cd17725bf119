"""Frame in, figure out: pure functions that return plain Plotly dictionaries."""
