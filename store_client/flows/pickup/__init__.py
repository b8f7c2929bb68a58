"""Pickup at the terminal: what an associate can do, what is due, and the screen for it."""
