"""Runs revisions over the connection that `central_server.storage.schema` hands in."""

from alembic import context

from central_server.storage.routing_tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
