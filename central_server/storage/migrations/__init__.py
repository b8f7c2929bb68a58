"""The schema's history, by Alembic, run from code: users need no configuration file."""
