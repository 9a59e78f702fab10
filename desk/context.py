"""What every view needs, put together once."""

from dataclasses import dataclass, field
from datetime import datetime

from jinja2 import Environment
from sanic import Request

from desk.actions_client import ActionsClient
from desk.assignment import Assignment
from desk.assistant import HTTPAssistant
from desk.chat_sessions import Pace
from desk.database import Database
from desk.handling import Handling
from desk.live import Hub
from desk.models import LoginSession, User
from desk.presence import Sightings
from desk.rendering import environment
from desk.settings import Settings
from desk.sight import Sight
from desk.typing_state import TypingState
from desk.vault import Vault
from desk.watchdog import Watchdog


@dataclass
class Desk:
    """The parts of a running desk."""

    settings: Settings
    database: Database = field(init=False)
    vault: Vault = field(init=False)
    assistant: HTTPAssistant = field(init=False)
    actions: ActionsClient = field(init=False)
    hub: Hub = field(default_factory=Hub)
    typing: TypingState = field(default_factory=TypingState)
    chat_pace: Pace = field(default_factory=Pace)
    jinja: Environment = field(default_factory=environment)
    # Who saw what when, so that a page that draws itself again is not written down each time (desk/guard.py).
    seen: dict[tuple[object, ...], datetime] = field(default_factory=dict)
    handling: Handling = field(init=False)
    assignment: Assignment = field(init=False)
    watchdog: Watchdog = field(init=False)
    sightings: Sightings = field(init=False)

    def __post_init__(self) -> None:
        self.database = Database(self.settings.database_url)
        self.vault = Vault(self.settings.vault_database_url, self.settings.vault_key)
        self.jinja.globals["vault_trouble"] = lambda: self.vault.trouble
        self.assistant = HTTPAssistant(self.settings.assistant_url, self.settings.rasa_token)
        self.actions = ActionsClient(self.settings.actions_url, self.settings.actions_token)
        self.handling = Handling(self.database, self.assistant, self.hub)
        self.assignment = Assignment(self.handling)
        self.watchdog = Watchdog(self.handling, self.settings.timings)
        self.sightings = Sightings(self.database)


def desk_of(request: Request) -> Desk:
    """The running desk."""
    desk = request.app.ctx.desk
    assert isinstance(desk, Desk)
    return desk


def session_of(request: Request) -> LoginSession:
    """The log-in that the blueprint's middleware has found."""
    session = request.ctx.login
    assert isinstance(session, LoginSession)
    return session


def user_of(request: Request) -> User:
    """Who is logged in."""
    return session_of(request).user


def sight_of(request: Request) -> Sight:
    """What the user who is logged in sees of rows in the store."""
    return Sight(desk_of(request).vault, user_of(request))


def field_of(request: Request, name: str) -> str:
    """A field of the posted form; empty if it is not there."""
    value = request.form.get(name) if request.form else None
    return value or ""
