"""Reservations at the terminal: held unpaid, paid and taken at the counter."""
