"""An answer's sentences for the customer's page while the action still runs, each sent as soon as it has passed.

Rasa delivers what an action says when the action has ended. A model writes for seconds, so each sentence that passed
the claim check and the policy goes to the web chat at once, beside Rasa. The message that the action utters at the end
carries `metadata`, and the page puts it in the place of the sentences. Other channels cannot take a message back:
there, nothing is shown before the end.
"""

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import requests
from rasa_sdk import Tracker

from actions.logs import conversation_ref, get_logger
from actions.settings import MissingSetting, actions_token, assistant_url

log = get_logger(__name__)

CHANNEL = "webchat"
PATH = "/webhooks/webchat/partial"
TIMEOUT = 1.0  # seconds to connect, and again to answer
_posting = ThreadPoolExecutor(max_workers=8, thread_name_prefix="partial")


def live_reply(tracker: Tracker) -> "LiveReply":
    """What shows the sentences of the answer to the latest message, in the order in which it is called with them.

        with live_reply(tracker) as show:
            result = answer_to(question, on_claim=show)
        dispatcher.utter_message(text=result.text, metadata=show.metadata)

    A call never raises and never waits. It does nothing where the customer is not on the web chat, or where
    ASSISTANT_URL is not set.
    """
    message: dict[str, Any] = next((e for e in reversed(tracker.events) if e.get("event") == "user"), {})
    reply_id = message.get("message_id")
    if not reply_id or message.get("input_channel") != CHANNEL:
        return LiveReply("", "", tracker.sender_id, "")
    try:
        return LiveReply(assistant_url(), actions_token(), tracker.sender_id, str(reply_id))
    except MissingSetting:
        return LiveReply("", "", tracker.sender_id, "")


class LiveReply:
    """Posts each sentence that it is called with to the assistant at `url`; with an empty `url` it does nothing.

    Sentences are posted one after another by a thread of a pool. After a post that failed no other is tried, so
    that the page never shows an answer with a sentence missing in the middle.
    """

    def __init__(self, url: str, token: str, sender: str, reply_id: str) -> None:
        """`reply_id` is the id of the customer's message that is being answered."""
        self._url, self._token, self._sender, self._id = url + PATH, token, sender, reply_id
        self._waiting: deque[str] = deque()
        self._lock = threading.Lock()
        self._busy = False
        self._open = bool(url)
        self._seq = 0
        self._shown = False

    @property
    def metadata(self) -> dict[str, Any]:
        """What the final utterance's metadata must hold; empty when no sentence was given."""
        return {"reply_id": self._id} if self._shown else {}

    def __call__(self, sentence: str) -> None:
        """Show one more sentence."""
        with self._lock:
            if not self._open:
                return
            self._shown = True
            self._waiting.append(sentence)
            if self._busy:
                return
            self._busy = True
        try:
            _posting.submit(self._post_all)
        except RuntimeError:  # the server is shutting down
            self.close()

    def close(self) -> None:
        """Show no more: what still waits would come after the final message."""
        with self._lock:
            self._open = False
            self._waiting.clear()

    def __enter__(self) -> "LiveReply":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _post_all(self) -> None:
        with requests.Session() as session:
            session.trust_env = False  # the assistant is never behind a proxy
            session.headers["Authorization"] = f"Bearer {self._token}"
            while (sentence := self._next()) is not None:
                if not self._post(session, sentence):
                    self.close()

    def _next(self) -> str | None:
        with self._lock:
            self._busy = bool(self._waiting)
            return self._waiting.popleft() if self._busy else None

    def _post(self, session: requests.Session, sentence: str) -> bool:
        body: Any = {"sender": self._sender, "id": self._id, "seq": self._seq, "text": sentence}
        self._seq += 1
        try:
            with session.post(self._url, json=body, timeout=TIMEOUT, allow_redirects=False) as answer:
                reason = "" if answer.status_code == 204 else f"status_{answer.status_code}"
        except (requests.RequestException, ValueError) as error:
            reason = type(error).__name__
        if reason:
            fields = {"conversation": conversation_ref(self._sender), "reason": reason}
            log.warning("partial_not_shown", extra=fields)
        return not reason
