"""Values and arithmetic: what the words mean. No SQL, no screen, no clock, no environment."""
