import pytest

from assistant.channels import attachments
from assistant.channels.attachments import Attachment, cannot_read, noted, read, shown


def kinds(*names):
    return [Attachment(name, "", None) for name in names]


@pytest.mark.parametrize(
    "sent, with_text, sentence",
    [
        (["image"], False, "I can't look at pictures here. Could you tell me in words what it shows?"),
        (["image", "image"], True, "I can't look at pictures here, so I'll go by what you wrote."),
        (["audio"], False, "I can't listen to recordings here. Could you write what you said?"),
        (["location"], False, "I can't look at locations here. Could you write the address or the postcode?"),
        (["file"], False, "I can't look at files here. Could you tell me in words what you need?"),
        (
            ["file", "image", "audio"],
            False,
            "I can't look at pictures, recordings or files here. Could you tell me in words what you need?",
        ),
    ],
)
def test_the_customer_hears_what_cannot_be_read(sent, with_text, sentence):
    assert cannot_read(kinds(*sent), with_text) == sentence


@pytest.mark.parametrize("kind", attachments.KINDS)
def test_every_kind_has_its_words(kind):
    assert cannot_read(kinds(kind), False).endswith("?")
    assert shown(kinds(kind)).startswith("[a")
    assert "you sent a" in noted(kinds(kind))


def test_only_kind_name_and_size_are_read():
    sent = {"kind": "image", "name": "4111 1111 1111 1111.jpg", "bytes": 5, "url": "https://example.com/secret"}
    assert [one.note() for one in read([sent])] == [{"kind": "image", "name": "[card number removed].jpg", "bytes": 5}]


@pytest.mark.parametrize(
    "sent, found",
    [
        (None, ()),
        ("image", ()),
        ([1], (Attachment("file", "", None),)),
        ([{"kind": ["image"], "name": 5, "bytes": -1}], (Attachment("file", "", None),)),
        ([{"kind": "image", "name": "\u202egpj.exe", "bytes": True}], (Attachment("image", "gpj.exe", None),)),
    ],
)
def test_anything_may_stand_there(sent, found):
    assert read(sent) == found


def test_their_number_and_their_names_are_bounded():
    found = read([{"kind": "image", "name": "x" * 10_000, "bytes": 10**30}] * 1_000)
    assert len(found) == attachments.MAX_ATTACHMENTS
    assert len(found[0].name) == attachments.MAX_NAME and found[0].bytes is None
