"""Alembic's environment: runs the migrations over the desk's asynchronous engine."""

import asyncio

from alembic import context
from sqlalchemy.engine import Connection

from desk import (  # noqa: F401  their tables belong to Base
    chat_models,
    copilot_models,
    notes_models,
    presence_models,
    quality_models,
    reads_models,
    tasks_models,
    transcript_models,
)
from desk.database import Database
from desk.models import Base


def run(connection: Connection) -> None:
    """Run what is missing in one transaction."""
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    """Open the database that `desk.database.migrate` names."""
    database = Database(context.config.attributes["url"])
    async with database.engine.begin() as connection:
        await connection.run_sync(run)
    await database.close()


asyncio.run(main())
