"""Typed access to the environment variables that the launcher sets.

Each function reads the environment when it is called, so that tests can change it. A required variable that
is missing raises `MissingSetting`, whose text is one sentence that says what to do.
"""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 5055
DEFAULT_ACTION_TIMEOUT = 10.0


class MissingSetting(Exception):
    """A required setting is missing or cannot be used; the text says what to do."""


def _required(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise MissingSetting(f"{name} is not set: start Tandem with `make run`, or load var/env first")
    return value


def _path(name: str, default: str) -> Path:
    path = Path(os.environ.get(name, "").strip() or default)
    return path if path.is_absolute() else ROOT / path


def _positive(name: str, default: float) -> float:
    text = os.environ.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise MissingSetting(f"{name} must be a number above zero, not {text!r}")
    return value


def _choice(name: str, *values: str) -> str:
    text = os.environ.get(name, "").strip() or values[0]
    if text not in values:
        raise MissingSetting(f"{name} must be {' or '.join(values)}, not {text!r}")
    return text


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise MissingSetting(f"{name} must be a port between 1 and 65535, not {text!r}")
    return int(text)


def var_dir() -> Path:
    """The run-time folder (TANDEM_VAR), created when it is missing."""
    path = Path(_required("TANDEM_VAR"))
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MissingSetting(f"TANDEM_VAR cannot be used as a folder ({error.strerror}): {path}") from error
    return path


def knowledge_dir() -> Path:
    """The folder with the articles (TANDEM_KNOWLEDGE)."""
    return _path("TANDEM_KNOWLEDGE", "knowledge")


def policy_file() -> Path:
    """The file with the policy rules (TANDEM_POLICY)."""
    return _path("TANDEM_POLICY", "policy.yml")


def endpoints_file() -> Path:
    """The file with the endpoints of models and stores (TANDEM_ENDPOINTS)."""
    return _path("TANDEM_ENDPOINTS", "endpoints.yml")


def actions_token() -> str:
    """The token that every call to this server must carry (ACTIONS_TOKEN)."""
    return _required("ACTIONS_TOKEN")


def assistant_url() -> str:
    """Where the assistant listens (ASSISTANT_URL); empty where it is not set, and answers are not streamed."""
    return os.environ.get("ASSISTANT_URL", "").strip().rstrip("/")


def rasa_token() -> str:
    """The token of the assistant's HTTP API (RASA_TOKEN)."""
    return _required("RASA_TOKEN")


def desk_url() -> str:
    """Where the desk listens (DESK_URL); empty where it is not set."""
    return os.environ.get("DESK_URL", "").strip().rstrip("/")


def desk_token() -> str:
    """The token for calls to the desk (DESK_TOKEN); empty where it is not set."""
    return os.environ.get("DESK_TOKEN", "").strip()


def help_desk() -> str:
    """Which help desk takes conversations over (HELP_DESK): desk, or the path of a class (see actions/helpdesk.py)."""
    return os.environ.get("HELP_DESK", "").strip() or "desk"


def actions_port() -> int:
    """The port to listen on (ACTIONS_PORT)."""
    return _port("ACTIONS_PORT", DEFAULT_PORT)


def actions_url() -> str:
    """Where others reach this server (ACTIONS_URL); empty where it is not set."""
    return os.environ.get("ACTIONS_URL", "").strip()


def backend_url() -> str:
    """SQLAlchemy URL of the backend database (BACKEND_DATABASE_URL)."""
    url = os.environ.get("BACKEND_DATABASE_URL", "").strip()
    return url or f"sqlite:///{var_dir().resolve() / 'backend.db'}"


def policy_url() -> str:
    """SQLAlchemy URL of the policy's decisions (POLICY_DATABASE_URL): a file of its own, since every turn adds some."""
    url = os.environ.get("POLICY_DATABASE_URL", "").strip()
    return url or f"sqlite:///{var_dir().resolve() / 'policy.db'}"


def demo() -> bool:
    """Whether demo data is wanted (TANDEM_DEMO=1)."""
    return os.environ.get("TANDEM_DEMO", "").strip() == "1"


def action_timeout() -> float:
    """Seconds that an action may take before the customer is told that it failed (ACTION_TIMEOUT_SECONDS)."""
    return _positive("ACTION_TIMEOUT_SECONDS", DEFAULT_ACTION_TIMEOUT)


def secret() -> str:
    """The secret of this installation (TANDEM_SECRET); the key of the hashes of one-time codes."""
    return _required("TANDEM_SECRET")


def rules_dir() -> Path:
    """The folder with the business's rules: visits, deliveries, payments, tickets (TANDEM_RULES)."""
    return _path("TANDEM_RULES", "actions/backends/data")


def booking() -> str:
    """Which booking system is used (BOOKING): sql or caldav."""
    return _choice("BOOKING", "sql", "caldav")


def notifications() -> str:
    """How messages are sent (NOTIFICATIONS): console or smtp; outside the demo there is no default.

    The console prints one-time codes for whoever can read the log, so it must be chosen on purpose there.
    """
    if not demo() and not os.environ.get("NOTIFICATIONS", "").strip():
        raise MissingSetting("NOTIFICATIONS is not set: use smtp, or console to print every message in the log")
    return _choice("NOTIFICATIONS", "console", "smtp")


@dataclass(frozen=True)
class Caldav:
    """A calendar on a CalDAV server; `timeout` in seconds for each request."""

    url: str
    user: str
    password: str
    timeout: float


def caldav() -> Caldav:
    """The calendar of visits (CALDAV_URL, CALDAV_USER, CALDAV_PASSWORD, CALDAV_TIMEOUT_SECONDS)."""
    return Caldav(
        url=_required("CALDAV_URL"),
        user=os.environ.get("CALDAV_USER", "").strip(),
        password=os.environ.get("CALDAV_PASSWORD", ""),
        timeout=_positive("CALDAV_TIMEOUT_SECONDS", 2.0),
    )


@dataclass(frozen=True)
class Smtp:
    """A mail server; `timeout` in seconds for each step of the dialogue."""

    host: str
    port: int
    starttls: bool
    user: str
    password: str
    sender: str
    timeout: float


def smtp() -> Smtp:
    """The mail server (SMTP_HOST, _PORT, _STARTTLS, _USER, _PASSWORD, _FROM, _TIMEOUT_SECONDS)."""
    return Smtp(
        host=_required("SMTP_HOST"),
        port=_port("SMTP_PORT", 587),
        starttls=_choice("SMTP_STARTTLS", "1", "0") == "1",
        user=os.environ.get("SMTP_USER", "").strip(),
        password=os.environ.get("SMTP_PASSWORD", ""),
        sender=_required("SMTP_FROM"),
        timeout=_positive("SMTP_TIMEOUT_SECONDS", 2.0),
    )
