"""A streamed reply as OpenAI, Anthropic and Ollama send it: pieces of a body, each with a few characters of text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Usage = tuple[int, int] | None  # tokens of the prompt and of the reply


def body(path: str, text: str, usage: Usage) -> Iterator[bytes]:
    """The pieces in the dialect of the path that was asked."""
    if path.endswith("/messages"):
        return anthropic(text, usage)
    if path.endswith("/api/chat"):
        return ollama(text, usage)
    return openai(text, usage)


def openai(text: str, usage: Usage) -> Iterator[bytes]:
    """Server-sent events of /chat/completions."""

    def event(choices: list[dict[str, Any]], **more: Any) -> bytes:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
        return b"data: " + json.dumps(chunk | more).encode() + b"\n\n"

    for part in parts(text):
        yield event([{"index": 0, "delta": {"content": part}, "finish_reason": None}])
    yield event([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    if usage:
        yield event([], usage=openai_usage(usage))
    yield b"data: [DONE]\n\n"


def openai_usage(usage: tuple[int, int]) -> dict[str, int]:
    """Token counts in OpenAI's names."""
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}


def anthropic(text: str, usage: Usage) -> Iterator[bytes]:
    """Server-sent events of /v1/messages."""

    def event(kind: str, **more: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind} | more)}\n\n".encode()

    sent, got = usage or (0, 0)
    message = {"id": "1", "type": "message", "role": "assistant", "content": [], "model": "m", "stop_reason": None}
    begin = event("message_start", message=message | {"usage": {"input_tokens": sent, "output_tokens": 0}})
    yield begin + event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for part in parts(text):
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": part})
    yield event("content_block_stop", index=0)
    yield event("message_delta", delta={"stop_reason": "end_turn"}, usage={"input_tokens": sent, "output_tokens": got})
    yield event("message_stop")


def ollama(text: str, usage: Usage) -> Iterator[bytes]:
    """Lines of JSON of /api/chat."""

    def line(content: str, **more: Any) -> bytes:
        message = {"role": "assistant", "content": content}
        return (
            json.dumps({"model": "m", "created_at": "2026-11-22T00:00:00Z", "message": message} | more).encode() + b"\n"
        )

    for part in parts(text):
        yield line(part, done=False)
    sent, got = usage or (0, 0)
    yield line("", done=True, done_reason="stop", prompt_eval_count=sent, eval_count=got)


def parts(text: str) -> Iterator[str]:
    """The text, five characters at a time."""
    return (text[start : start + 5] for start in range(0, len(text), 5))
