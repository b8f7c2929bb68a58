"""The store's half of sync: its journal, sending, receiving, folding, the daemon's round.

The edge knows no transport, scheduler or screen: an endpoint, a clock and a
replica are handed to it.
"""
