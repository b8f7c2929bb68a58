"""The point of sale: a folder that it leaves its sales in, and an address that it may ask."""
