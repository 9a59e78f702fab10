"""Replies as JSON of a pydantic schema: asked for in the provider's own way, or in words, and read forgivingly."""

import json
import re
from typing import Any

from pydantic import BaseModel, ValidationError

from actions.llm_calls import Messages

# LangChain turns OpenAI's response format into what these want.
NATIVE = frozenset({"openai", "azure_openai", "anthropic", "ollama"})


def response_format(provider: str, schema: type[BaseModel]) -> dict[str, Any]:
    """What to bind to the call so that the provider keeps to `schema`."""
    from langchain_core.utils.function_calling import convert_to_openai_function

    function = convert_to_openai_function(schema, strict=True)
    wanted = {"name": function["name"], "schema": function["parameters"], "strict": True}
    chosen = {"response_format": {"type": "json_schema", "json_schema": wanted}}
    # As a field of the body the reply is streamed like any other; LangChain would parse it and fail where it is cut.
    return {"extra_body": chosen} if provider in ("openai", "azure_openai") else chosen


def in_words(messages: Messages, schema: type[BaseModel]) -> Messages:
    """The messages with the schema in the system's part, for a provider that takes no schema."""
    (role, system), *rest = messages
    wanted = json.dumps(schema.model_json_schema(), ensure_ascii=False)
    return [(role, f"{system}\n\nReply with one JSON object of this JSON schema and nothing else:\n{wanted}"), *rest]


def read(text: str, schema: type[BaseModel]) -> BaseModel:
    """The object in a reply, whatever stands around it. Raises ValidationError."""
    text = re.sub(r"<think>.*?</think>", "", text, flags=re.S)
    start, end = text.find("{"), text.rfind("}")
    return schema.model_validate_json(text[start : end + 1] if 0 <= start < end else text)


def repair(messages: Messages, reply: str, error: ValidationError) -> Messages:
    """The messages that show the model its reply and what is wrong with it."""
    found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the text'}: {e['msg']}" for e in error.errors()[:3])
    return [
        *messages,
        ("assistant", reply or "{}"),
        ("user", f"That cannot be read ({found}). Send the corrected JSON object and nothing else."),
    ]
