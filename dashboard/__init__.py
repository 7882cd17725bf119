"""The roof and the foundation: settings, services, the command line and the application itself."""
