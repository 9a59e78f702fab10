"""The desk's settings, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Timings:
    """Seconds after which the watchdog acts; `watchdog` is how often it looks."""

    watchdog: int = 15
    push: int = 45
    remind: int = 300
    answer: int = 180
    gone: int = 300
    wrap_up: int = 900

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Timings":
        """DESK_WATCHDOG_SECONDS, DESK_PUSH_SECONDS and so on; raises SettingsError."""
        defaults = asdict(cls())
        return cls(**{name: _seconds(env, f"DESK_{name.upper()}_SECONDS", value) for name, value in defaults.items()})


@dataclass(frozen=True)
class Settings:
    """Everything the desk reads from the environment. Secrets are kept out of `repr`."""

    secret: str = field(repr=False)
    rasa_token: str = field(repr=False)
    database_url: str = field(repr=False)
    events_database_url: str = field(repr=False)
    vault_database_url: str = field(default="sqlite:///vault.db", repr=False)
    vault_key: str = field(default="", repr=False)
    actions_token: str = field(default="", repr=False)
    desk_token: str = field(default="", repr=False)
    assistant_url: str = "http://127.0.0.1:5005"
    actions_url: str = "http://127.0.0.1:5055"
    desk_url: str = "http://localhost:8080"
    port: int = 8080
    demo_password: str | None = field(default=None, repr=False)
    proxies: int = 0
    assignment: str = "pull"
    # Other sites whose pages may open chats, such as https://www.example.com
    chat_origins: tuple[str, ...] = ()
    timings: Timings = field(default_factory=Timings)

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach the desk by HTTPS, so that cookies may be limited to it."""
        return self.desk_url.startswith("https://")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; raises SettingsError."""
        folder = database_folder(env)
        port = _port(env, "DESK_PORT", 8080)
        assistant_port = _port(env, "ASSISTANT_PORT", 5005)
        actions_port = _port(env, "ACTIONS_PORT", 5055)
        return cls(
            secret=_required(env, "TANDEM_SECRET"),
            rasa_token=_required(env, "RASA_TOKEN"),
            database_url=database_url(env),
            events_database_url=env.get("EVENTS_DATABASE_URL") or _sqlite(folder / "events.db"),
            vault_database_url=env.get("VAULT_DATABASE_URL") or f"sqlite:///{folder / 'vault.db'}",
            vault_key=env.get("TANDEM_VAULT_KEY", "").strip(),
            actions_token=_required(env, "ACTIONS_TOKEN"),
            desk_token=_required(env, "DESK_TOKEN"),
            actions_url=(env.get("ACTIONS_URL") or f"http://127.0.0.1:{actions_port}").rstrip("/"),
            assistant_url=(env.get("ASSISTANT_URL") or f"http://127.0.0.1:{assistant_port}").rstrip("/"),
            desk_url=(env.get("DESK_URL") or f"http://localhost:{port}").rstrip("/"),
            port=port,
            demo_password=_required(env, "DEMO_AGENT_PASSWORD") if env.get("TANDEM_DEMO") == "1" else None,
            proxies=_count(env, "DESK_PROXIES"),
            assignment=_choice(env, "DESK_ASSIGNMENT", ("pull", "push")),
            chat_origins=_origins(env, "CHAT_ORIGINS"),
            timings=Timings.from_env(env),
        )


def database_folder(env: Mapping[str, str]) -> Path:
    """The folder of run-time files; raises SettingsError."""
    return Path(_required(env, "TANDEM_VAR"))


def database_url(env: Mapping[str, str]) -> str:
    """The URL of the desk's own database; raises SettingsError."""
    return env.get("DESK_DATABASE_URL") or _sqlite(database_folder(env) / "desk.db")


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set: start Tandem with `make run`, or load var/env first")
    return value


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingsError(f"{name} is {text!r}: set it to a port number between 1 and 65535")
    return int(text)


def _count(env: Mapping[str, str], name: str) -> int:
    text = env.get(name) or "0"
    if not text.isdigit() or int(text) > 9:
        raise SettingsError(f"{name} is {text!r}: set it to the number of proxies in front of the desk, such as 1")
    return int(text)


def _choice(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = env.get(name) or choices[0]
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}: set it to {' or '.join(choices)}")
    return value


def _origins(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Origins with commas between them, as browsers send them: scheme, host and a port that is not the usual one."""
    origins = tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or origin != f"{parts.scheme}://{parts.netloc}":
            raise SettingsError(f"{name} has {origin!r}: write origins such as https://www.example.com, without a path")
    return origins


def _seconds(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) <= 86_400:
        raise SettingsError(f"{name} is {text!r}: set it to a number of seconds between 1 and 86400")
    return int(text)


def _sqlite(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"
