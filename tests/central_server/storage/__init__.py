"""Tests of central's storage, on both engines."""
