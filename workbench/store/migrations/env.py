"""Alembic's entry: migrations run on the connection, and in the transaction, of the caller."""

from alembic import context

from workbench.store.models import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
