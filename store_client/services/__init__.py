"""What the terminal knows without any screen: signing in, scanning, dates, and words."""
