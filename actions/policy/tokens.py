"""Personal data as tokens such as <NAME_1> that can be turned back: for a model's prompt, and for an agent.

The caller keeps the mapping, in memory and for one conversation, and passes it on from text to text: so the same
value has the same token throughout. Nothing is stored here.
"""

import re
from collections.abc import Iterable

from actions.policy.entities import ENTITIES
from actions.policy.pii import Detector, detector
from actions.policy.texts import readable

_TOKEN = re.compile(r"<([A-Z][A-Z_]*_\d+)>")
# A token that the writer typed: it must not be taken for one of ours on the way back.
_TYPED = re.compile(r"<(?=[A-Z][A-Z_]*_\d+>)")
_TYPED_AS = "‹"


def tokenise(
    text: str, mapping: dict[str, str] | None = None, personal: Detector | None = None
) -> tuple[str, dict[str, str]]:
    """`text` with a token for each piece of personal data that the policy hides, and tokens to values.

    `mapping` is what earlier texts of the conversation gave; it is not changed. What a rule keeps readable stays.
    Raises PolicyError.
    """
    personal = personal or detector()
    known = dict(mapping or {})
    tokens = {_same(token, value): token for token, value in known.items()}
    text = _seen(text)
    pieces: list[str] = []
    last = 0
    for span in personal.find(text):
        if personal.rule(span).keep:
            continue
        value = text[span.start : span.end]
        word = (
            ENTITIES.get(span.kind)
            or re.sub(r"[^A-Z]+", "_", span.kind.rsplit(".", 1)[-1].upper()).strip("_")
            or "DATA"
        )
        token = tokens.get(_same(word, value))
        if token is None:
            token = f"{word}_{1 + sum(t.rsplit('_', 1)[0] == word for t in known)}"
            tokens[_same(word, value)] = token
            known[token] = value
        pieces += [text[last : span.start], f"<{token}>"]
        last = span.end
    return "".join([*pieces, text[last:]]), known


def read_ahead(texts: Iterable[str]) -> None:
    """Make `tokenise` fast for texts that are about to come. Raises PolicyError."""
    detector().read_ahead(map(_seen, texts))


def restore(text: str, mapping: dict[str, str]) -> str:
    """`text` with the values in place of their tokens; a token that the mapping lacks stays as it is."""
    return _TOKEN.sub(lambda match: mapping.get(match.group(1), match.group()), text)


def _seen(text: str) -> str:
    """A text as the detector looks at it."""
    return _TYPED.sub(_TYPED_AS, readable(text))


def _same(token: str, value: str) -> tuple[str, str]:
    """What two spellings of one value share: the token's word, and the value without spaces, marks and capitals."""
    word = re.sub(r"_\d+$", "", token)
    return word, re.sub(r"[\W_]+", "", value).casefold() or value
