import pytest

from assistant.channels import spoken
from assistant.channels.numbers import cardinal, ordinal, spelled


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (42, "forty-two"),
        (100, "one hundred"),
        (105, "one hundred and five"),
        (1234, "one thousand two hundred and thirty-four"),
        (1005, "one thousand and five"),
        (100_000, "one hundred thousand"),
    ],
)
def test_numbers(number, said):
    assert cardinal(number) == said


@pytest.mark.parametrize(
    ("number", "said"), [(1, "first"), (12, "twelfth"), (20, "twentieth"), (21, "twenty-first"), (31, "thirty-first")]
)
def test_places(number, said):
    assert ordinal(number) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It costs £7.50.", "It costs seven pounds fifty."),
        ("It costs £1.00.", "It costs one pound."),
        ("It costs £0.50.", "It costs fifty pence."),
        ("It costs £3.05.", "It costs three pounds and five pence."),
        ("A credit of −£6.00.", "A credit of minus six pounds."),
        ("You owe £1,234.56.", "You owe one thousand two hundred and thirty-four pounds fifty-six."),
        ("From £20 a month", "From twenty pounds a month."),
        ("On Tuesday 24 November at 5pm.", "On Tuesday the twenty-fourth of November at five p.m."),
        ("It was made on 16 October 2026.", "It was made on the sixteenth of October 2026."),
        ("By 2026-12-01.", "By the first of December 2026."),
        ("From 8am to 12 noon.", "From eight a.m. to twelve noon."),
        ("From 9.05am–5.30pm.", "From nine oh five a.m. to five thirty p.m."),
        ("Before 17:00.", "Before five p.m."),
        ("Order NO482136 is on its way.", "Order N O, 4 8 2, 1 3 6 is on its way."),
        ("It goes to LS1 4AP.", "It goes to L S, 1, 4, A P."),
        ("Ring 0113 496 0000.", "Ring 0 1 1 3, 4 9 6, 0 0 0 0."),
        ("In danger, call 999.", "In danger, call 9 9 9."),
        ("Samaritans: 116 123.", "Samaritans: 1 1 6, 1 2 3."),
        ("I send it to 07•• •••123.", "I send it to the number ending in 1 2 3."),
        ("I send it to p••••@example.com.", "I send it to the address that we have."),
        ("See https://example.com/a?b=1.", "See our website."),
        ("See [our prices](https://example.com/p).", "See our prices."),
        ("**Fast** & _cheap_ 😀", "Fast and cheap."),
        ("Write to help@example.co.uk.", "Write to help@example dot co dot uk."),
        ("A 5% discount, e.g. now", "A 5 percent discount, for example now."),
        ("<script>alert(1)</script>", "script alert(1) /script."),
    ],
)
def test_what_is_written_and_how_it_is_said(written, said):
    assert " ".join(spoken.speech(written)) == said


def test_lists_are_sentences():
    assert spoken.speech("You need:\n- a router\n- a cable\n1. Plug it in.") == [
        "You need:",
        "a router.",
        "a cable.",
        "Plug it in.",
    ]


def test_what_only_holds_in_writing_is_not_said():
    written = (
        "I'm passing you to our billing team now. They can see what we've said here, so you won't have to repeat it. "
        "You're second in line; it should take about 6 minutes. They'll reply in this conversation."
    )
    said = " ".join(spoken.speech(written))
    assert said.endswith("it should take about 6 minutes.")
    assert "reply" not in said
    assert spoken.speech("Thank you. Our billing team will reply here.") == ["Thank you."]
    closed = spoken.speech("They're back tomorrow at 8am, and will reply in this conversation.")
    assert closed == ["They're back tomorrow at eight a.m."]


def test_sources_are_not_said():
    message = {"text": "It takes 3 days.\nSource: Delivery", "metadata": {"sources": [{"title": "Delivery"}]}}
    assert spoken.sentences([message, {"text": "Anything else?"}]) == ["It takes 3 days.", "Anything else?"]


def test_empty_and_unspeakable_messages_say_nothing():
    assert spoken.sentences([{"text": ""}, {"text": "😀"}, {"image": "https://example.com/a.png"}]) == []
    assert spoken.speech("\x00a\x0bb\ud800") == ["ab."]


def test_long_answers_stop_at_a_sentence():
    said = [f"Sentence number {n} is here." for n in range(40)]
    first, left = spoken.shortened(said)
    assert sum(map(len, first)) < spoken.MAX_CHARACTERS
    assert len(first) + left == 40
    assert spoken.shortened(["x" * 1000]) == (["x" * 1000], 0)
    assert spoken.shortened([]) == ([], 0)


def test_choices_have_keys_and_a_person_is_always_zero():
    buttons = [
        {"title": "Track an order", "payload": "/order_status"},
        {"title": "3 payments of £20.00", "payload": "3 payments"},
        {"title": "Tuesday 24 November, 8am to 12 noon", "payload": "x"},
        {"title": "Talk to a person", "payload": "/request_human"},
    ]
    assert spoken.choices(buttons) == [
        "For track an order, press 1.",
        "For 3 payments of twenty pounds, press 2.",
        "For Tuesday the twenty-fourth of November, eight a.m. to twelve noon, press 3.",
        "For talk to a person, press 0.",
        "Or just say it.",
    ]
    assert spoken.choices([]) == []


def test_more_choices_than_keys_can_be_said():
    buttons = [{"title": f"Bill {n}", "payload": f"b{n}"} for n in "ABCDEFGHIJK"]
    assert spoken.choices(buttons)[-2] == "You can also say: bill J, or bill K."


def test_references_come_in_groups():
    assert spelled("NO482136") == "N O, 4 8 2, 1 3 6"
    assert spelled("4821367") == "4 8 2, 1 3 6 7"
    assert spoken.reference("4fa72c001122") == "4, F A, 7 2, C"
