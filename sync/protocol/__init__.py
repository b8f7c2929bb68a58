"""The wire: messages both halves speak, their version, and how they become bytes.

PROTOCOL.md beside the package states it in prose. A test hashes the schema of
every message and fails unless `version.py` moved with it.
"""
