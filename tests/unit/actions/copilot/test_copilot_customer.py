"""The customer's data: by level and role, masked, audited under the agent."""

from pathlib import Path

import copilot_fixtures
import pytest
from copilot_fixtures import SAM, audits, verified

from actions import assurance
from actions.backends.session import transaction
from actions.copilot.calls import Refused
from actions.copilot.customer import customer
from actions.copilot.models import CustomerCall, CustomerData

articles, indexed, office = copilot_fixtures.articles, copilot_fixtures.indexed, copilot_fixtures.office
pytestmark = pytest.mark.usefixtures("database")

SECRETS = ("priya@example.com", "07700 900123", "14 Mill Lane", "LS1 4AP")


def shown(role: str = "agent", conversation: str = "c") -> CustomerData:
    call = {"conversation": conversation, "agent": SAM | {"role": role}}
    return customer(CustomerCall.model_validate(call))


def proven() -> None:
    verified()
    with transaction() as session, assurance.in_session(100.0):
        assurance.raise_to_step_up(session, "c", "NA204518")


def test_nothing_proven_nothing_read() -> None:
    assert shown() == CustomerData(level="none", fields=[], orders=[], tickets=[], visits=[], balance=None)
    assert audits() == []


def test_a_known_order_is_all_that_is_known() -> None:
    with assurance.in_session(100.0):
        assurance.verify_order("c", "NO482136", "LS1 4AP")
    found = shown()
    assert found.level == "known" and found.fields == [] and found.balance is None
    assert [line.label for line in found.orders] == ["NO482136, Northlight Hub 3 router"]


def test_a_verified_customer_is_masked_and_each_read_is_audited_under_the_agent() -> None:
    verified()
    found = shown()
    assert found.level == "verified" and found.balance and found.balance.startswith("£42.50, due on")
    assert {line.label[:8] for line in found.orders} == {"NO482136", "NO300411"}
    assert not any(secret in found.model_dump_json() for secret in SECRETS)
    assert {f.label: f.masked for f in found.fields if f.masked} == dict.fromkeys(
        ("Account", "E-mail", "Phone", "Address"), True
    )
    ours = [row for row in audits() if row[2] == "Sam Lee"]
    assert {"customer.contact", "balance.read", "order.list", "visit.list"} <= {action for action, _, _ in ours}


def test_a_one_time_code_opens_the_contact_to_the_agent_and_to_no_auditor() -> None:
    proven()
    whole = shown().model_dump_json()
    assert all(secret in whole for secret in SECRETS)
    assert not any(secret in shown("auditor").model_dump_json() for secret in SECRETS)


def test_a_designer_sees_no_customer() -> None:
    verified()
    with pytest.raises(Refused) as refused:
        shown("designer")
    assert refused.value.status == 403


def test_another_conversation_learns_nothing(database: Path) -> None:
    proven()
    assert shown(conversation="other").level == "none"
