"""Widgets of the terminal: the long list, the status bar, the hints, the panels of a screen."""
