"""The whole house on real data: `make replay`, or `python -m tests.replay`."""
