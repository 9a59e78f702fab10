"""What the agent should do next: sentences by the reason, the open task and what was promised; no model is asked."""

from typing import Any

from actions.forms import FORMS
from actions.packet_values import label_of
from actions.policy.handoff import Reason

MOST = 5

_BY_REASON: dict[Reason, str] = {
    "customer_asked": "Greet the customer and say that you have read the conversation.",
    "missing_knowledge": "Answer the open question; if it comes up again, suggest an article for it.",
    "unsupported_task": "Do it for the customer in your own systems: the assistant cannot.",
    "policy": "Check what our rules say about this, and do it for the customer where they allow it.",
    "tool_failure": "Do what failed by hand, or tell the customer when it will work again.",
    "low_confidence": "Ask what the customer needs in your own words: the assistant did not understand.",
    "sentiment": "Apologise first, then say what you will do and by when.",
    "verification_failed": "Verify the customer in another way before you speak about the account.",
    "value_customer": "Look at the contract and at what you may offer before you reply.",
    "vulnerable_customer": "Ask whether the customer is safe, and note what care they need.",
}


def next_steps(packet: dict[str, Any]) -> list[str]:
    """Up to five sentences, the most important first, for a packet whose other fields are filled."""
    reason, task, question = packet["reason"], packet["task"], packet["open_question"]
    steps = [_BY_REASON[reason]]
    if packet["rule"]:
        steps.append(f"Look at the policy rule {packet['rule']}, which sent the conversation here.")
    if question:
        steps.append(f"Answer: “{question}”")
    steps += [
        f"Do this by hand: {done['title']}. Its system did not answer." for done in packet["actions"] if not done["ok"]
    ]
    if form := next((form for form in FORMS.values() if task in form.wants), None):
        known = {slot["name"] for slot in packet["slots"]}
        missing = [label_of(name) for name in form.fields if name not in known]
        wanted = f"The customer wanted {form.wants[task]}"
        steps.append(f"{wanted}; still to ask: {', '.join(missing).lower()}." if missing else f"{wanted}.")
    if packet["promises"]:
        steps.append(f"Keep the promise: “{packet['promises'][-1]['text']}”")
    if packet["identity"]["level"] == "none" and reason != "verification_failed":
        steps.append("Verify the customer before you speak about an account or an order.")
    return list(dict.fromkeys(steps))[:MOST]
