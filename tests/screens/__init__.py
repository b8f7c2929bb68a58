"""What the screens look like: one stored picture each, at two sizes."""
