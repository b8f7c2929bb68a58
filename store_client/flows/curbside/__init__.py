"""Curbside at the terminal: who waits where in which car, and since when."""
