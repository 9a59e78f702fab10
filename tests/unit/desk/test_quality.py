"""How good a transfer was: the score by itself, and what is kept when a handoff ends."""

import time

import pytest
from conftest import raw, slot, user
from sqlalchemy import select
from test_handling import Floor
from test_packet import PACKET

from desk.handling import Refused
from desk.models import now
from desk.projection import project
from desk.quality import quality_of, rate, repeated, score, supported
from desk.quality_models import TransferQuality

TURNS = {
    1: "where is NO482136 Your order NO482136 is on its way and arrives on Friday 27 November.",
    2: "how much is the late fee? The late payment fee is £7.50. Paying late",
    3: "get me a person",
}


@pytest.mark.parametrize(
    ("text", "turns", "holds"),
    [
        ("Order status: Your order NO482136 is on its way and arrives on Friday 27 November.", [1], True),
        ("Order status: Your order NO482136 is on its way and arrives on Friday 27 November.", [2], False),
        ("Order status: Your order NO999999 is on its way and arrives on Friday 27 November.", [1], False),
        ('The customer asked: "how much is the late fee?"', [2], True),
        ('The customer asked: "how much is the early-exit fee?"', [2], False),
        ('The assistant answered from "Paying late".', [2], True),
        ("The late payment fee is £8.50.", [2], False),
        ("Your order [hidden] is on its way.", [1], True),
        ("The moon landing was filmed in a studio.", [1, 2], False),
        ("The customer wanted to know where an order is.", [1], True),
        ("The customer wanted to know where an order is.", [4], False),
        ("Handed over because the customer asked for a person.", [3], True),
        ("Handed over because the customer asked for a person.", [], False),
    ],
)
def test_a_sentence_is_supported_by_the_turns_that_it_names(text, turns, holds):
    assert supported({"text": text, "turns": turns}, TURNS) is holds


AFTER = [
    ("system", "Alex has joined the conversation."),
    ("agent", "Hello!"),
    ("customer", "my e-mail is Priya@example.com"),
    ("agent", "Thanks."),
    ("agent", "One moment."),
    ("customer", "how much is the late fee please"),
    ("agent", "It's £7.50."),
    ("customer", "ok"),
    ("agent", "Anything else?"),
    ("customer", "I told you already where is order NO482136 and when does it come"),
]


def test_what_had_to_be_said_again_in_the_first_three_turns():
    before = ["how much is the late fee", "I told you already where is order NO482136 and when does it come"]
    assert repeated(PACKET, before, AFTER) == ["E-mail", "turn 1"]
    assert repeated(PACKET, before, [*AFTER[:1], *AFTER[-1:]]) == ["turn 2"]
    assert repeated(PACKET, ["yes please"], [("customer", "yes please")]) == []
    assert repeated({}, [], AFTER) == []


def test_a_token_is_said_again_however_its_value_is_written():
    packet = {"slots": [{"name": "phone", "label": "Phone", "value": "[[phone:gfukb444uwwntpgq]]"}]}
    again = [("agent", "Hello"), ("customer", "I said it is [[phone:gfukb444uwd2xqhx]]")]
    assert repeated(packet, [], again) == ["Phone"]
    assert repeated(packet, [], [("agent", "Hello"), ("customer", "[[phone:aaaaaaaaaad2xqhx]]")]) == []


def test_the_score_of_a_good_and_of_a_bad_transfer():
    summary = [{"text": 'The customer asked: "how much is the late fee?"', "turns": [2]}]
    good = score(PACKET | {"summary": summary}, TURNS, [], [("agent", "Hello!")], 0)
    assert (good.missing, good.unsupported, good.repeated, good.points) == ([], [], [], 100)
    poor = PACKET | {"summary": [*summary, {"text": "The fee is £99.", "turns": [2]}], "issue": "", "next_steps": []}
    bad = score({k: v for k, v in poor.items() if k != "told"}, TURNS, [], AFTER, 1)
    assert (bad.missing, bad.unsupported, bad.repeated) == (["issue", "next_steps", "told"], [1], ["E-mail"])
    assert 40 < bad.points < 75
    assert score({}, {}, [], [], 0).points < 75


@pytest.fixture
def floor(run, database):
    """A conversation that was handed over a while ago, with a packet of version 2."""
    made = Floor(run, database)
    at = time.time() - 600
    events = [
        user("my e-mail is priya@example.com", "inform", timestamp=at),
        user("do you take bitcoin?", timestamp=at + 1),
        slot("handoff", PACKET) | {"timestamp": at + 2},
        slot("owner", "queue") | {"timestamp": at + 2},
    ]
    run(project(database, [raw("d", event) for event in events]))
    return made


def later(floor, *messages):
    """Messages after now, as the event stream brings them."""
    for text in messages:
        run_at = time.time()
        floor.run(project(floor.database, [raw("d", user(text, timestamp=run_at))]))


def test_the_quality_is_kept_when_the_handoff_ends(floor):
    alex, kim = floor.people["alex"], floor.people["kim"]
    assert floor.run(quality_of(floor.database, 2)) is None
    with pytest.raises(Refused, match="Only somebody who had"):
        floor.run(rate(floor.database, 2, alex, 4))
    floor.run(floor.handling.take(alex, 2, None))
    later(floor, "it's priya@example.com, as I said")
    floor.run(floor.handling.transfer(alex, 2, queue="billing"))
    floor.run(floor.handling.take(kim, 2, None))
    floor.run(rate(floor.database, 2, kim, 4))
    live = floor.run(quality_of(floor.database, 2))
    assert (live.repeated, live.transfers, live.rating, live.missing) == (["E-mail"], 1, 4, [])
    assert live.unsupported == [0]  # nobody said LS1 4AP
    floor.run(floor.handling.hand_back(kim, 2))
    [row] = floor.rows(TransferQuality)
    assert (row.packet, row.reason, row.transfers, row.repeated) == (PACKET["id"], "missing_knowledge", 1, ["E-mail"])
    assert row.ended_at is not None and row.ended_at <= now()
    assert floor.run(quality_of(floor.database, 2)) == live


def test_closing_ends_a_handoff_too_and_the_rating_may_come_later(floor):
    alex = floor.people["alex"]
    floor.run(floor.handling.take(alex, 2, None))
    floor.run(floor.handling.close(alex, 2, "resolved", ""))
    assert floor.run(quality_of(floor.database, 2)).rating is None
    floor.run(rate(floor.database, 2, alex, 5))
    assert floor.run(quality_of(floor.database, 2)).rating == 5
    assert len(floor.rows(TransferQuality)) == 1


@pytest.mark.parametrize("number", [0, 6, -1])
def test_a_rating_is_1_to_5(floor, number):
    floor.run(floor.handling.take(floor.people["alex"], 2, None))
    with pytest.raises(Refused, match="from 1 to 5"):
        floor.run(rate(floor.database, 2, floor.people["alex"], number))
    assert floor.rows(TransferQuality) == []


def test_a_conversation_that_nobody_handed_over_has_no_quality(floor, run, database):
    run(project(database, [raw("e", user("hello"))]))
    assert run(quality_of(database, 3)) is None
    with pytest.raises(Refused, match="was not handed over"):
        run(rate(database, 3, floor.people["alex"], 3))


def test_no_row_holds_what_anybody_wrote(floor, run, database):
    floor.run(floor.handling.take(floor.people["alex"], 2, None))
    later(floor, "priya@example.com once more")
    floor.run(floor.handling.close(floor.people["alex"], 2, "resolved", ""))

    async def text():
        async with database.session() as session:
            rows = await session.execute(select(TransferQuality.__table__))
            return str(rows.all())

    assert "priya" not in run(text())
