"""Reservations at central: told to the customer, served from the waiting list, paid by value."""
