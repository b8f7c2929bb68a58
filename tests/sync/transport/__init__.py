"""Tests of the transports: real sockets on loopback, seeded faults, no waiting."""
