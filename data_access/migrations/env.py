"""Alembic's entry: runs the steps on the connection that `data_access.state` hands over."""

from alembic import context

from data_access.state import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters tables by copying them
)
with context.begin_transaction():
    context.run_migrations()
