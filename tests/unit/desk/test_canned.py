"""Ready-made replies: the file, the places in them, and what may be sent."""

import re

import pytest

from desk.canned import FILE, RepliesError, Reply, check, filled, known, offered, replies, unfilled
from desk.handling import Refused

PACKET = {"slots": [{"name": "order_number", "value": "NO482136"}, {"name": "bill", "value": ""}, "odd"]}


def test_the_file_that_is_shipped_is_right_and_names_queues_that_there_are():
    found = replies()
    assert len(found) >= 5
    queues = set(re.findall(r"^  (\w+):", (FILE.parents[1] / "data/routing/queues.yml").read_text(), re.M))
    assert {queue for reply in found for queue in reply.queues} <= queues
    assert all(len(filled(reply.text, {"agent": "Alex"})) < 1000 for reply in found)


def test_places_are_filled_from_what_is_known_and_others_stay():
    values = known(PACKET, "Alex")
    assert filled("{agent}: {order_number}, {bill}, {day}", values) == "Alex: NO482136, {bill}, {day}"
    assert known(None, "Alex") == {"agent": "Alex"}


def test_a_value_with_braces_is_not_filled_again():
    assert filled("{name}", {"name": "{agent}", "agent": "Alex"}) == "{agent}"


def test_a_queue_sees_its_own_replies_and_those_for_all():
    found = [Reply("fees", "Fees", "x", ("billing",)), Reply("hello", "Hello", "y")]
    assert [reply.id for reply in offered(found, "billing", "")] == ["fees", "hello"]
    assert [reply.id for reply in offered(found, "orders", "")] == ["hello"]
    assert [reply.id for reply in offered(found, "", "HEL")] == ["hello"]
    assert offered(found, "", "nothing") == []


def test_a_reply_with_an_open_place_is_not_sent():
    assert unfilled("I have {order_number} and {order_number} for {name}.", replies()) == ["{order_number}", "{name}"]
    with pytest.raises(Refused, match=re.escape("{name}")):
        check("Hello {name}")
    check('A customer may write {"json": {x}} and so may you')


@pytest.mark.parametrize("address", ["http://northlight.example", "ftp://x.example", "javascript:alert(1)"])
def test_only_secure_addresses_are_sent(address):
    with pytest.raises(Refused, match="https"):
        check(f"Look here: {address}")
    check("Look here: https://northlight.example/returns")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[reply]", "not valid TOML"),
        ('[[reply]]\nid = "A b"\ntitle = "t"\ntext = "x"', "reply 1: give it an id"),
        ('[[reply]]\nid = "a"\ntext = "x"', "reply 1: give it a title"),
        ('[[reply]]\nid = "a"\ntitle = "t"\ntext = "x"\nqueues = "billing"', "queues is a list"),
        ('[[reply]]\nid = "a"\ntitle = "t"\ntext = "x"\nextra = 1', "and nothing else"),
        ('[[reply]]\nid = "a"\ntitle = "t"\ntext = "x"\n' * 2, "two replies have the id 'a'"),
    ],
)
def test_a_mistake_in_the_file_is_a_sentence_that_says_where(tmp_path, text, why):
    path = tmp_path / "replies.toml"
    path.write_text(text)
    with pytest.raises(RepliesError, match=re.escape(why)):
        replies(path)


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(RepliesError, match=r"restore replies\.toml"):
        replies(tmp_path / "replies.toml")


def test_the_file_is_read_again_when_it_has_changed(tmp_path):
    path = tmp_path / "replies.toml"
    path.write_text('[[reply]]\nid = "a"\ntitle = "t"\ntext = "x"')
    assert replies(path)[0].text == "x"
    path.write_text('[[reply]]\nid = "a"\ntitle = "t"\ntext = "longer"')
    assert replies(path)[0].text == "longer"
