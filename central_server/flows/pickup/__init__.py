"""Pickup at central: sourcing again what a store gives up, and telling the customer."""
