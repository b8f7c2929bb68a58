"""Measurements on real processes, files and sockets, each beside a baseline of the same run."""
