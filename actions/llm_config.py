"""The section `llm` of endpoints.yml: which chat model, within which limits, at which price."""

import os
import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

DEFAULT_BUDGET = 6.0


class LLMConfigError(Exception):
    """The section `llm` of endpoints.yml cannot be used; the text says what to do."""


class LLMConfig(BaseModel):
    """The section `llm` of endpoints.yml.

    `timeout_seconds` is the budget of a whole call: loading, waiting, retries and reading. Prices are in any one
    currency. `structured: prompt` is for servers that ignore a JSON schema. `options` go to LangChain's
    `init_chat_model` as they are.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: str = Field(min_length=1)
    model_provider: str = Field(min_length=1)
    base_url: str | None = None
    api_key: str | None = None
    timeout_seconds: float = Field(default=DEFAULT_BUDGET, gt=0)
    max_tokens: int = Field(default=300, gt=0)
    retries: int = Field(default=2, ge=0)
    max_concurrent: int = Field(default=4, gt=0)
    breaker_failures: int = Field(default=5, gt=0)
    breaker_seconds: float = Field(default=30, gt=0)
    structured: Literal["auto", "prompt"] = "auto"
    price_per_million_input: float = Field(default=0, ge=0)
    price_per_million_output: float = Field(default=0, ge=0)
    options: dict[str, Any] = {}


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
        return LLMConfig.model_validate(_expand(section))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise LLMConfigError(f"endpoints.yml, field llm.{place}: {first['msg']}") from None


def _expand(value: Any) -> Any:
    """Replace ${NAME} by the environment variable, as Rasa does in this file."""
    if isinstance(value, dict):
        return {key: _expand(inner) for key, inner in value.items()}
    if not isinstance(value, str):
        return value

    def named(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise LLMConfigError(f"endpoints.yml uses ${{{match[1]}}} in `llm`: set that environment variable")
        return os.environ[match[1]]

    return re.sub(r"\$\{(\w+)\}", named, value)
