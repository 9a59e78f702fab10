"""What policy.yml, and the privacy of other customers, say about an agent's draft."""

import re

from actions import backends
from actions.backends.protocols import BackendError, Identity, Level, Unavailable
from actions.copilot.models import DraftCall, DraftChecked
from actions.copilot.who import READING, acting
from actions.logs import get_logger
from actions.policy.engine import check_draft, engine
from actions.policy.limits import other_links
from actions.policy.rules import LimitsRule

log = get_logger(__name__)

OTHER_CUSTOMER = "draft.other_customer"
_ACCOUNT = re.compile(r"\bNA[ -]?(\d{6})\b", re.IGNORECASE)
_ORDER = re.compile(r"\bNO[ -]?(\d{6})\b", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MOBILE = re.compile(r"(?<!\d)(?:\+44\s?|0)7(?:[\s-]?\d){9}(?!\d)")
CHANGED = {
    "redact": "Personal data was taken out: please read it once more before you send it.",
    "replace": "The wording was changed as our rules want it: please read it once more before you send it.",
}


def check(call: DraftCall) -> DraftChecked:
    """What may be sent of a draft, with a sentence for the agent when it is not the draft as it stands.

    Raises PolicyError, Unavailable.
    """
    if named := _of_another(call):
        log.info("draft_refused", extra={"rule": OTHER_CUSTOMER})
        text = f"This names {named} that is not known to be this customer's: leave it out, or check who they are first."
        return DraftChecked(outcome="refuse", rule=OTHER_CUSTOMER, text="", message=text)
    decision = check_draft(call.text)
    message = decision.reply or CHANGED.get(decision.outcome, "")
    return DraftChecked(
        outcome=decision.outcome,
        rule=decision.rule,
        text=decision.text if decision.allowed else "",
        message=message,
    )


def _of_another(call: DraftCall) -> str:
    """What a draft names that neither belongs to this customer nor was written by them ("an order"), or ""."""
    named = [found for kind in (_ACCOUNT, _ORDER, _EMAIL, _MOBILE) if (found := kind.search(call.text))]
    if not named:
        return ""
    written = " ".join(turn.text for turn in call.turns if turn.who == "customer")
    with acting(call.conversation, call.agent, READING) as caller:
        return (
            _account(call.text, caller, written)
            or _orders(call.text, caller, written)
            or _contact(call.text, caller, written)
        )


def _account(text: str, caller: Identity, written: str) -> str:
    own = {caller.account_number, *(f"NA{m[1]}" for m in _ACCOUNT.finditer(written))}
    return "an account" if any(f"NA{m[1]}" not in own for m in _ACCOUNT.finditer(text)) else ""


def _orders(text: str, caller: Identity, written: str) -> str:
    theirs = {f"NO{m[1]}" for m in _ORDER.finditer(written)}
    for number in {f"NO{m[1]}" for m in _ORDER.finditer(text)} - theirs:
        try:
            backends.orders().order(caller, number)
        except Unavailable:
            raise
        except BackendError:
            return "an order"
    return ""


def _contact(text: str, caller: Identity, written: str) -> str:
    """An e-mail address or mobile number of somebody else; our own addresses and public bodies' may be named."""
    hosts = [rule for rule in engine().rules(LimitsRule, "draft") if rule.hosts]
    ours = {
        m.group() for m in _EMAIL.finditer(text) if hosts and not any(_elsewhere(rule, m.group()) for rule in hosts)
    }
    emails = {m.group().casefold() for m in _EMAIL.finditer(text) if m.group() not in ours}
    mobiles = {_digits(m.group()) for m in _MOBILE.finditer(text)}
    emails -= {m.group().casefold() for m in _EMAIL.finditer(written)}
    mobiles -= {_digits(m.group()) for m in _MOBILE.finditer(written)}
    if (emails or mobiles) and caller.level >= Level.VERIFIED:
        contact = backends.customers().contact(caller)
        emails, mobiles = emails - {contact.email.casefold()}, mobiles - {_digits(contact.phone)}
    return "an e-mail address" if emails else "a phone number" if mobiles else ""


def _elsewhere(rule: LimitsRule, email: str) -> bool:
    """Whether an e-mail address belongs to none of the rule's hosts."""
    return any(other_links(rule, f"https://{email.partition('@')[2]}/"))


def _digits(phone: str) -> str:
    """A UK number in one form: 07700900123."""
    digits = re.sub(r"\D", "", phone)
    return f"0{digits[2:]}" if digits.startswith("44") else digits
