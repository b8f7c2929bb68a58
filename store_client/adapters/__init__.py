"""What the terminal speaks with: paper so far. Bootstrap chooses."""
