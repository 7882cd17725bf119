"""Everything that knows SQL, and nothing that knows the screen."""
