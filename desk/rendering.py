"""Templates and the filters that they use."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from sanic import html
from sanic.response import HTTPResponse

from desk.copilot import STYLES
from desk.handling import DISPOSITIONS
from desk.masking import masked_text, masked_value
from desk.packet import packet, sees_values
from desk.roles import ROLES, can
from desk.turns import words
from desk.vault_tokens import covered

FOLDER = Path(__file__).parent
LEVELS = {
    "none": "Nothing proven",
    "known": "Known",
    "verified": "Verified",
    "step-up": "Verified with a one-time code",
}
_CHANNELS = {
    "webchat": "Web chat",
    "twilio": "SMS",
    "twilio_voice": "Phone",
    "whatsapp": "WhatsApp",
    "rest": "REST",
    "facebook": "Messenger",
}
_LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pl": "Polish"}
_ADDRESS = re.compile(r"(https://[^\s<>\"']*[^\s<>\"'.,;:!?)])")
_PLACE = re.compile(r"\{[a-z][a-z0-9_]*\}")
_SOURCE_LINE = re.compile(r"^Sources?: .*$", re.MULTILINE)


def environment() -> Environment:
    """Jinja with escaping on for every template, and an error for every name that is not given."""
    jinja = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.globals |= {"can": can, "roles": ROLES, "levels": LEVELS, "sees_values": sees_values}
    jinja.filters |= {
        "iso": iso,
        "percent": percent,
        "disposition": disposition,
        "packet": packet,
        "initials": initials,
        "without_source_lines": without_source_lines,
        "short_id": short_id,
        "sources_json": sources_json,
        "text_for": text_for,
        "value_for": value_for,
        "marked_places": marked_places,
        "linked": linked,
        "words": words,
        "channel": channel,
        "language": language,
        "day": day,
    }
    jinja.globals["rewrite_styles"] = STYLES
    jinja.globals["vault_trouble"] = lambda: ""  # the desk puts its vault's here
    return jinja


def page(jinja: Environment, template: str, status: int = 200, **values: Any) -> HTTPResponse:
    """An HTML answer that no cache keeps. A token that nobody revealed on the way is covered."""
    return html(covered(jinja.get_template(template).render(values)), status, headers={"Cache-Control": "no-store"})


def iso(at: datetime) -> str:
    """2026-11-24T09:30:00Z; the browser turns it into the reader's own time."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def percent(share: float) -> str:
    """0.873 -> 87 %."""
    return f"{round(share * 100)} %"


def disposition(key: str) -> str:
    """The words for a disposition."""
    return DISPOSITIONS.get(key, key)


def initials(name: str) -> str:
    """Alex Morgan -> AM."""
    return "".join(word[0] for word in name.split()[:2]).upper()


def without_source_lines(text: str, sources: list[dict[str, str]]) -> str:
    """The text without its "Source: ..." lines, if the sources are shown beside it."""
    return _SOURCE_LINE.sub("", text).strip() if sources else text


def short_id(sender_id: str) -> str:
    """Enough of a conversation's id to tell it from others."""
    return sender_id if len(sender_id) <= 12 else sender_id[-6:].upper()


def sources_json(sources: list[Any]) -> str:
    """Titles and articles as JSON, for a data attribute."""
    return json.dumps([{"title": source.title, "article": source.article} for source in sources])


def text_for(text: str, see: bool) -> str:
    """A text as it is for those who may see personal data, and with it hidden for all others."""
    return text if see else masked_text(text)


def value_for(value: str, see: bool) -> str:
    """The same for the value of a slot, an entity or a field."""
    return value if see else masked_value(value)


def marked_places(text: str) -> Markup:
    """A ready-made reply in which the places that are still open stand out."""
    return Markup(_PLACE.sub(r"<mark>\g<0></mark>", str(escape(text))))


def linked(text: str) -> Markup:
    """A text of an agent in which secure addresses are links; they open beside the desk."""
    parts = _ADDRESS.split(text)
    link = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>')
    return Markup("").join(link.format(part) if number % 2 else part for number, part in enumerate(parts))


def channel(name: str) -> str:
    """The words for a channel: webchat -> Web chat."""
    return _CHANNELS.get(name, words(name))


def language(code: str) -> str:
    """The words for a language: en -> English; the code itself for one without."""
    return _LANGUAGES.get(code.split("-")[0].lower(), code)


def day(at: datetime) -> str:
    """25 Nov 2026."""
    return at.strftime("%-d %b %Y")
