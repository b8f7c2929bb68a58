"""The terminal: what store associates work with all day, connected or not."""
