"""Brings the backend database up to date, and says in one sentence what is wrong when that cannot be done."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError

from .session import NO_TRANSACTION, engine

MIGRATIONS = Path(__file__).parent / "migrations"


class DatabaseProblem(Exception):
    """The backend database cannot be used; the text says what to do."""


def alembic_config() -> Config:
    """Alembic's configuration for the backend database; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def upgrade(url: str) -> None:
    """Apply all migrations to the database at `url`; raises `DatabaseProblem`."""
    try:
        shown = make_url(url).render_as_string(hide_password=True)
        database = engine(url)
        if database.dialect.name == "sqlite":
            with database.connect().execution_options(**NO_TRANSACTION) as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        config = alembic_config()
        with database.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (ArgumentError, ImportError) as error:
        raise DatabaseProblem("BACKEND_DATABASE_URL is not the URL of a database that this program knows") from error
    except CommandError as error:
        raise DatabaseProblem(f"The backend database {shown} was made by another version of Tandem") from error
    except SQLAlchemyError as error:
        raise DatabaseProblem(_sentence(shown, error)) from error


def _sentence(shown: str, error: SQLAlchemyError) -> str:
    cause = str(getattr(error, "orig", error)).splitlines()[0]
    if "locked" in cause:
        return f"The backend database {shown} is locked by another program: stop that program, then start again"
    if isinstance(error, DatabaseError) and "not a database" in cause:
        return f"The backend database {shown} is not a database: move that file away, then start again"
    return f"The backend database {shown} cannot be opened ({cause}): check BACKEND_DATABASE_URL and its server"
