"""Ending a customer's chat: nobody opens the conversation any more, and the pages that are open now are closed."""

import logging

from desk import audit, chat_sessions, notes, tokens
from desk.assistant import Assistant, AssistantError
from desk.conversations import find_by_sender
from desk.database import Database

logger = logging.getLogger(__name__)

BY_CUSTOMER = "The customer has ended the chat and can no longer be reached here."
BY_DESK = "The chat session was ended: the customer's page is closed and can no longer open this conversation."
COPIED = (
    "The token of this chat was used twice, as if somebody had copied it. The session was ended, so that nobody else "
    "reads on; the customer can start a new chat."
)


async def end_chat(
    database: Database, assistant: Assistant, session_id: str, why: str, user_id: int | None = None
) -> bool:
    """Revoke the session and tell the assistant; False if there was none to revoke.

    Where the assistant cannot be told it raises AssistantError: the session is revoked all the same, but a page that is
    open receives messages until its access token has expired.
    """
    if not await chat_sessions.revoke(database, session_id):
        return False
    await ended(database, assistant, session_id, why, user_id)
    return True


async def ended(
    database: Database, assistant: Assistant, session_id: str, why: str, user_id: int | None = None
) -> None:
    """What follows once a session has been revoked: a line for colleagues, and the customer's pages closed."""
    if conversation := await find_by_sender(database, session_id):
        async with database.session() as session, session.begin():
            notes.put(session, conversation.id, None, "system", why)
            audit.note(session, user_id, "copied_session" if why == COPIED else "end_chat", conversation.id)
    try:
        await assistant.end_chat(session_id, int(tokens.LIFETIME.total_seconds()))
    except AssistantError as error:
        logger.warning("The assistant was not told that a chat was ended: %s", error)
        raise AssistantError(
            "The session is ended, but the assistant could not be told: a page that is open now receives messages "
            "for up to 15 minutes."
        ) from None
