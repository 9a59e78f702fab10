"""What the guard says to customers."""

from __future__ import annotations

EMPTY = "I didn't get any text. What can I do for you?"
TOO_FAST = "You're writing faster than I can read. Please wait a few seconds, then send your last message again."
TOO_MANY_FROM_NETWORK = (
    "A lot of messages are coming from your network, so I couldn't take this one. Please send it again in a minute."
)
STILL_WORKING = "One moment, please: this is taking longer than usual."
FULL = "Sorry, we're very busy at the moment and I couldn't take your message. Please send it again in a minute or two."


def too_long(characters: int) -> str:
    """When a message has more than so many characters."""
    return (
        f"That's a bit long for me: I can read up to {characters:,} characters at a time. "
        "Could you say it in fewer words, or send it in parts?"
    )


def waiting(seconds: float) -> str:
    """When a message is kept and will wait so long for its turn."""
    about = "about a minute" if seconds > 45 else "about half a minute" if seconds > 15 else "a few seconds"
    return f"We're very busy at the moment. I have your message and will answer it in {about}."
