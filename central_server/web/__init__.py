"""What every endpoint shares: problems, keys and sessions, cursors, limits."""
