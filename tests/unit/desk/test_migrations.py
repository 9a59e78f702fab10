"""A desk of the first release keeps its conversations, and the tables are those that the code reads."""

import sqlite3

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from desk import chat_models, notes_models, presence_models, tasks_models  # noqa: F401  their tables belong to Base
from desk.database import MIGRATIONS, Database, migrate
from desk.models import Base

ROWS = [("a", "bot", None), ("b", "queue", None), ("c", "agent", None), ("d", "bot", "2026-01-01 00:00:00")]


def at(url):
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def test_conversations_get_the_phase_that_they_are_in(tmp_path):
    path = tmp_path / "desk.db"
    url = f"sqlite+aiosqlite:///{path}"
    command.upgrade(at(url), "0001")
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO conversations (sender_id, owner, closed_at, last_activity, last_text)"
            " VALUES (?, ?, ?, '2026-01-01 00:00:00', '')",
            ROWS,
        )
    migrate(url)
    query = "SELECT sender_id, phase, priority, skills FROM conversations ORDER BY sender_id"
    with sqlite3.connect(path) as connection:
        rows = connection.execute(query).fetchall()
    assert [row[1] for row in rows] == ["bot", "queue", "agent", "closed"]
    assert {row[2:] for row in rows} == {(3, "[]")}
    command.downgrade(at(url), "0001")
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM conversations").fetchone() == (4,)


def test_the_tables_are_those_of_the_models(run, database_url):
    async def differences():
        database = Database(database_url)
        async with database.engine.begin() as connection:
            found = await connection.run_sync(
                lambda sync: compare_metadata(MigrationContext.configure(sync), Base.metadata)
            )
        await database.close()
        return found

    assert run(differences()) == []
