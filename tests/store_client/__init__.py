"""The terminal: its services, its commands, and its screens driven by a pilot."""
