"""The demo: a small retailer that runs on this machine, and stops when you leave it."""
