"""What stands behind central's ports."""
