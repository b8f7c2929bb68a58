"""Central's half of sync: takes operations exactly once, in order; gives the feed.

The hub knows neither HTTP nor SQL. `ports.py` says what central provides.
"""
