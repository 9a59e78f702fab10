"""The language model of endpoints.yml, or none: any chat model that LangChain's `init_chat_model` knows.

    llm:
      model: gpt-4o-mini
      model_provider: openai
      base_url: http://127.0.0.1:8081/v1
      api_key: ${LLM_API_KEY}
      timeout_seconds: 6

A call gives its text within the time budget or raises ModelUnavailable; the caller then uses its
deterministic twin.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from actions import llm_schema, metering
from actions.llm_calls import Messages, deltas
from actions.llm_config import LLMConfig, LLMConfigError, read_config
from actions.llm_guard import Guard, ModelUnavailable
from actions.logs import get_logger
from actions.settings import action_timeout, endpoints_file

__all__ = ["ChatModel", "LLMConfig", "LLMConfigError", "ModelUnavailable", "chat_model", "read_config"]

SHARE_OF_ACTION = 0.75  # of an action's time limit: the twin needs the rest
REFUSED = (400, 404, 422)  # what servers answer that know no JSON schema

log = get_logger(__name__)


class ChatModel:
    """A configured chat model.

    `budget` is in seconds and is for a whole call, with waiting, retries and a repair. Every method raises
    ModelUnavailable when there is no usable text by then. Its text is the reason: loading, timed_out, busy,
    circuit_open, empty, unreadable, status_ with the HTTP status, or the name of the client's error.
    """

    def __init__(self, config: LLMConfig) -> None:
        self.config = config
        self.budget = min(config.timeout_seconds, SHARE_OF_ACTION * action_timeout())
        self.guard = Guard(config.max_concurrent, config.breaker_failures, config.breaker_seconds)
        self._native_schema = config.structured == "auto" and config.model_provider in llm_schema.NATIVE
        self._starting = threading.Lock()
        self._client: Future[Any] | None = None

    def complete(self, system: str, user: str) -> str:
        """The model's reply to one prompt, stripped and not empty."""
        return "".join(self.stream(system, user)).strip()

    def structured(self, system: str, user: str, schema: type[BaseModel]) -> BaseModel:
        """The model's reply as an object of `schema`; a reply that cannot be read may be repaired once.

        The prompt should name the fields: not every server shows the schema to the model.
        """
        deadline = time.monotonic() + self.budget
        messages = [("system", system), ("user", user)]
        for last in (False, True):
            text = "".join(self._text(messages, schema, deadline))
            try:
                return llm_schema.read(text, schema)
            except ValidationError as error:
                if last or time.monotonic() >= deadline:
                    break
                messages = llm_schema.repair(messages, text, error)
        log.warning("llm_call", extra={"outcome": "unreadable", "characters": len(text)})
        raise ModelUnavailable("unreadable")

    def stream(self, system: str, user: str, schema: type[BaseModel] | None = None) -> Iterator[str]:
        """The reply's text in pieces as they arrive; with a schema it is JSON, which nobody has checked yet.

        Closing the iterator ends the call.
        """
        return self._text([("system", system), ("user", user)], schema, time.monotonic() + self.budget)

    def _text(self, messages: Messages, schema: type[BaseModel] | None, deadline: float) -> Iterator[str]:
        """One call; a second one without the schema's own option when the server refuses that."""
        if schema and self._native_schema:
            try:
                options = llm_schema.response_format(self.config.model_provider, schema)
                yield from self._call(messages, deadline, options)
                return
            except ModelUnavailable as error:
                if getattr(error.__cause__, "status_code", None) not in REFUSED:
                    raise
            self._native_schema = False
            log.warning("llm_schema_refused", extra={"model": self.config.model})
        yield from self._call(llm_schema.in_words(messages, schema) if schema else messages, deadline, {})

    def _call(self, messages: Messages, deadline: float, options: dict[str, Any]) -> Iterator[str]:
        call = metering.Call(self.config, messages)
        try:
            model = self._loaded(deadline - time.monotonic())
            with self.guard.admitted():
                try:
                    for chunk in deltas(model, messages, deadline, self.config.retries, **options):
                        call.add(chunk)
                        if chunk.text:
                            yield str(chunk.text)
                except TimeoutError as error:
                    raise ModelUnavailable("timed_out") from error
                except Exception as error:  # each provider has its own exceptions
                    status = getattr(error, "status_code", None)
                    raise ModelUnavailable(f"status_{status}" if status else type(error).__name__) from error
                if not call.text.strip():
                    raise ModelUnavailable("empty")
            call.end("ok")
        except ModelUnavailable as error:
            call.end(str(error))
            raise
        finally:
            call.end("abandoned")

    @property
    def loaded(self) -> bool:
        """Whether LangChain and the client are there; until then calls wait for them."""
        return self._client is not None and self._client.done()

    def warm(self) -> None:
        """Load LangChain and the provider's client, which takes seconds; never raises."""
        with suppress(ModelUnavailable):
            self._loaded(threading.TIMEOUT_MAX)

    def _loaded(self, patience: float) -> Any:
        """LangChain's chat model, once it is loaded; how long that takes says nothing about the provider."""
        with self._starting:
            if self._client is None:
                self._client = Future()
                threading.Thread(target=self._load, args=(self._client,), name="llm-load", daemon=True).start()
        try:
            return self._client.result(max(0.0, patience))
        except FutureTimeout:
            raise ModelUnavailable("loading") from None
        except Exception as error:
            raise ModelUnavailable(type(error).__name__) from error

    def _load(self, client: Future[Any]) -> None:
        try:
            client.set_result(_chat_model(self.config, self.budget))
        except Exception as error:  # such as a provider whose package is not installed
            log.error("llm_cannot_be_used", extra={"reason": f"{type(error).__name__}: {error}"[:300]})
            client.set_exception(error)


def _chat_model(config: LLMConfig, budget: float) -> Any:
    """LangChain's chat model, without retries of its own: they know nothing of the budget."""
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
    if config.model_provider == "openai":
        options["stream_usage"] = True
    return init_chat_model(config.model, model_provider=config.model_provider, **options | config.options)


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
