"""Escrow and conflicts through the real edge, hub and databases."""
