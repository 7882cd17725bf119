"""How the screen answers: verbs."""
