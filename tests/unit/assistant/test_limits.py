import pytest

from assistant.channels import limits
from assistant.channels.limits import Addresses, Limits, LimitsWrong, Pace, RateLimit, network_of
from assistant.channels.rest import RestChannel


def test_the_first_message_too_many_is_told_the_next_are_dropped():
    now = [0.0]
    rate = RateLimit(3, 10, clock=lambda: now[0])
    assert [rate.check("a") for _ in range(5)] == [Pace.HANDLE] * 3 + [Pace.WARN, Pace.DROP]
    assert rate.check("b") is Pace.HANDLE
    now[0] = 10.1
    assert [rate.check("a") for _ in range(4)] == [Pace.HANDLE] * 3 + [Pace.WARN]


def test_an_address_may_write_only_so_much_over_all_its_conversations():
    now = [0.0]
    addresses = Addresses(Limits(address_messages=5, address_seconds=60), clock=lambda: now[0])
    assert [addresses.may_write("203.0.113.9", f"c{i}") for i in range(7)] == [True] * 5 + [False] * 2
    assert addresses.may_write("203.0.113.10", "d")
    now[0] = 60.1
    assert addresses.may_write("203.0.113.9", "c0")


def test_an_address_may_start_only_so_many_conversations():
    now = [0.0]
    addresses = Addresses(Limits(address_conversations=3), clock=lambda: now[0])
    assert [addresses.may_write("203.0.113.9", f"c{i}") for i in range(5)] == [True] * 3 + [False] * 2
    assert addresses.may_write("203.0.113.9", "c1"), "it is there already"
    now[0] = 600.1
    assert addresses.may_write("203.0.113.9", "c4")


@pytest.mark.parametrize(
    "address, network",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("2001:db8::9:9:9:9", "2001:db8::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("", ""),
        ("unix:" + "x" * 500, "unix:" + "x" * 59),
    ],
)
def test_whom_an_address_stands_for(address, network):
    assert network_of(address) == network


def test_the_memory_of_senders_and_addresses_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "MAX_SENDERS", 100)
    addresses = Addresses(Limits())
    for number in range(1_000):
        addresses.may_write(f"10.0.{number // 250}.{number % 250}", f"c{number}")
    assert len(addresses._known) == len(addresses._messages._handled) == len(addresses._new._handled) == 100


def test_a_channels_block_sets_its_limits():
    assert Limits.read(None) == Limits()
    found = Limits.read({"messages": 5, "attachments": ["image"]})
    assert (found.messages, found.seconds, found.attachments) == (5, 10, ("image",))


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ([5], "`limits` must be settings"),
        ({"mesages": 5}, "`limits` has no setting `mesages`: it knows characters, messages"),
        ({"messages": 0}, "`limits: messages` must be a whole number from 1 to 1000"),
        ({"messages": True}, "must be a whole number"),
        ({"messages": "20"}, "must be a whole number"),
        ({"characters": 1_000_000}, "from 1 to 4000"),
        ({"seconds": 86_400}, "from 1 to 3600"),
        ({"attachments": "image"}, "must be a list of these kinds: image, audio"),
        ({"attachments": ["zip"]}, "must be a list of these kinds"),
    ],
)
def test_a_wrong_setting_is_a_sentence(settings, sentence):
    with pytest.raises(LimitsWrong, match=sentence):
        Limits.read(settings)


def test_every_channel_reads_its_limits():
    assert RestChannel.from_credentials({"token": "t", "limits": {"messages": 3}}).limits.messages == 3
    assert RestChannel.from_credentials({"token": "t"}).limits == Limits()
    with pytest.raises(LimitsWrong):
        RestChannel.from_credentials({"token": "t", "limits": {"messages": -1}})
