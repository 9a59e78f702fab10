"""The language model of endpoints.yml, or none: any chat model that LangChain's `init_chat_model` knows.

    llm:
      model: gpt-4o-mini
      model_provider: openai
      base_url: http://127.0.0.1:8081/v1
      api_key: ${LLM_API_KEY}
      timeout_seconds: 6
      max_tokens: 300

A call gives its text within the time budget or raises ModelUnavailable; the caller then uses its
deterministic twin.
"""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actions.logs import get_logger
from actions.settings import action_timeout, endpoints_file

DEFAULT_BUDGET = 6.0
SHARE_OF_ACTION = 0.75  # of an action's time limit: the twin needs the rest

log = get_logger(__name__)
_workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="llm")


class ModelUnavailable(Exception):
    """The model gave no text: it failed, took too long or sent nothing usable."""


class LLMConfigError(Exception):
    """The section `llm` of endpoints.yml cannot be used; the text says what to do."""


class LLMConfig(BaseModel):
    """The section `llm` of endpoints.yml."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str = Field(min_length=1)
    model_provider: str = Field(min_length=1)
    base_url: str | None = None
    api_key: str | None = None
    timeout_seconds: float = Field(default=DEFAULT_BUDGET, gt=0)
    max_tokens: int = Field(default=300, gt=0)


def _expand(value: Any) -> Any:
    """Replace ${NAME} by the environment variable, as Rasa does in this file."""
    if not isinstance(value, str):
        return value

    def named(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise LLMConfigError(f"endpoints.yml uses ${{{match[1]}}} in `llm`: set that environment variable")
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", named, value)


def read_config(path: Path) -> LLMConfig | None:
    """The `llm` section of an endpoints file, None when there is none. Raises LLMConfigError."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise LLMConfigError(f"{path.name} cannot be read ({type(error).__name__}): correct it") from error
    section = content.get("llm") if isinstance(content, dict) else None
    if not section:
        return None
    if not isinstance(section, dict):
        raise LLMConfigError("endpoints.yml: `llm` must hold fields such as model and model_provider")
    try:
        return LLMConfig.model_validate({key: _expand(value) for key, value in section.items()})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise LLMConfigError(f"endpoints.yml, field llm.{place}: {first['msg']}") from None


class ChatModel:
    """A configured chat model with a time budget in seconds."""

    def __init__(self, config: LLMConfig) -> None:
        self.config = config
        self.budget = min(config.timeout_seconds, SHARE_OF_ACTION * action_timeout())
        self._model: Any = None

    def complete(self, system: str, user: str) -> str:
        """The model's reply to one prompt, stripped and not empty. Raises ModelUnavailable."""
        started = time.monotonic()
        call = _workers.submit(self._call, system, user)
        try:
            text = call.result(timeout=self.budget)
        except FutureTimeout:
            call.cancel()
            raise self._unavailable("timed_out", started) from None
        except Exception as error:  # each provider has its own exceptions
            raise self._unavailable(type(error).__name__, started) from error
        if not text:
            raise self._unavailable("empty", started)
        log.info("llm_call", extra={"outcome": "ok", "ms": _since(started), "characters": len(text)})
        return text

    def _call(self, system: str, user: str) -> str:
        if self._model is None:
            self._model = _chat_model(self.config, self.budget)
        reply = self._model.invoke([("system", system), ("user", user)])
        return str(reply.text).strip()

    def _unavailable(self, reason: str, started: float) -> ModelUnavailable:
        log.warning("llm_call", extra={"outcome": reason, "ms": _since(started)})
        return ModelUnavailable(reason)


def _since(started: float) -> int:
    """Milliseconds since a monotonic moment."""
    return round((time.monotonic() - started) * 1000)


def _chat_model(config: LLMConfig, budget: float) -> Any:
    """LangChain's chat model; no retries, since the twin is quicker than a second try."""
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {"temperature": 0}
    if config.base_url:
        options["base_url"] = config.base_url
    if config.model_provider == "ollama":
        options |= {"num_predict": config.max_tokens, "client_kwargs": {"timeout": budget}}
    else:
        options |= {"max_tokens": config.max_tokens, "timeout": budget, "max_retries": 0}
        if config.api_key:
            options["api_key"] = config.api_key
    return init_chat_model(config.model, model_provider=config.model_provider, **options)


@cache
def _model(path: str, changed: int) -> ChatModel | None:
    config = read_config(Path(path))
    return ChatModel(config) if config else None


def chat_model() -> ChatModel | None:
    """The configured model, None without one; a wrong configuration is logged and counts as none."""
    path = endpoints_file()
    try:
        return _model(str(path), path.stat().st_mtime_ns if path.exists() else 0)
    except LLMConfigError as error:
        log.error("llm_misconfigured", extra={"reason": str(error)})
        return None
