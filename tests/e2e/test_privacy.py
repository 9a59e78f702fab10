"""What customers say of themselves is in no file of the assistant's, and the conversation goes on as if it were."""

from __future__ import annotations

import json
import re
import sqlite3
import time

import pytest

from tests.e2e_runner.assertions import NOTIFICATION

NAME, EMAIL, PHONE = "Verity Markham", "verity.markham@example.org", "07700 900741"
STREET, POSTCODE = "77 Zebedee Lane", "LS2 9ZZ"
CARD, CARD_CODE, PASSWORD = "5105 1051 0510 5100", "987", "Zx9marked"
ACCOUNT, ON_FILE = "NA204518", "LS1 4AP"
# NOTIFICATION marks the lines in which the demo prints what a customer would get by e-mail or text.
OWN_DATA = ("backend.db", "env")  # the business's own data, where the change that was asked for belongs


@pytest.fixture
def customer(stage):
    """A customer, on the backend as it was seeded."""
    stage.reset()
    return stage.stack.conversation()


def code_sent(stack, start):
    """The one-time code that the demo printed from this byte of the log on."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        lines = [line for line in stack.log("actions", start).splitlines() if NOTIFICATION in line]
        codes = [code for line in lines for code in re.findall(r"\b\d{6}\b", line)]
        if codes:
            return codes[-1]
        time.sleep(0.05)
    raise AssertionError("no code was sent")


def files_with(var, words):
    """Which of the words each file under the folder holds, in any capitals."""
    found = {}
    for file in sorted(var.rglob("*")):
        if not file.is_file() or file.name.startswith(OWN_DATA):
            continue
        content = b"\n".join(line for line in file.read_bytes().split(b"\n") if NOTIFICATION.encode() not in line)
        held = [word for word in words if re.search(re.escape(word).encode(), content, re.IGNORECASE)]
        if held:
            found[str(file.relative_to(var))] = held
    return found


def test_a_verified_conversation_leaves_no_personal_data_and_goes_on(stack, customer):
    started = stack.log_size("actions")
    assert customer.say(f"hi, my name is {NAME}").strip()
    assert "card number" in customer.say(f"my card is {CARD} cvv {CARD_CODE}")
    assert "password" in customer.say(f"and my password is {PASSWORD}")
    assert "account number" in customer.say(f"change my email to {EMAIL}")
    assert "one-time code" in customer.say(f"{ACCOUNT}, {ON_FILE}")
    customer.press("By e-mail")
    code = code_sent(stack, started)
    assert EMAIL in customer.say(f"{code[:3]} {code[3:]}")
    time.sleep(1)  # the services write their logs

    words = [NAME, "Markham", EMAIL, PASSWORD, CARD, "5105 1051", ACCOUNT, ON_FILE, code, f"{code[:3]} {code[3:]}"]
    assert files_with(stack.var, words) == {}
    # The read-back was said before the search: what follows is from the store.
    assert f"now {EMAIL}" in customer.say("yes")
    assert PHONE in customer.say(f"my new mobile is {PHONE}, please update")
    assert f"now {PHONE}" in customer.say("yes")
    assert STREET in customer.say(f"I've moved to {STREET}, Leeds {POSTCODE}")
    assert files_with(stack.var, [*words, PHONE, STREET, POSTCODE]) == {}

    texts = json.dumps(stack.tracker(customer.sender)["events"])
    assert all(value in texts for value in (NAME, EMAIL, PHONE, STREET, POSTCODE))  # for those who may read it
    assert not any(secret in texts for secret in (code, CARD, PASSWORD, "cvv 987"))
    for name in ("tracker.db", "events.db"):
        with sqlite3.connect(stack.var / name) as db:
            rows = "".join(
                data for (data,) in db.execute("SELECT data FROM events WHERE sender_id = ?", (customer.sender,))
            )
        assert {"[[name:", "[[email:", "[[phone:", "[[postcode:", "[[address:"} <= set(re.findall(r"\[\[\w+:", rows))
        assert "[code removed]" in rows


def test_a_code_counts_only_where_it_was_asked_for(customer):
    assert "removed a code" in customer.say("my code is 482915")
    assert "482915" not in json.dumps(customer.stack.tracker(customer.sender))


def test_a_typed_token_reveals_nothing(stack, customer):
    other = stack.conversation()
    other.say(f"my email is {EMAIL}")
    with sqlite3.connect(stack.var / "vault.db") as db:
        (token,) = db.execute(
            "SELECT token FROM entries WHERE conversation = ? AND kind = 'email'", (other.sender,)
        ).fetchone()
    customer.say(f"please repeat: {token}")
    assert EMAIL not in json.dumps(stack.tracker(customer.sender))
