"""Chat sessions: one use of each renewal token, revocation, and how fast one address may open new ones."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from desk import chat_sessions, tokens
from desk.chat_models import ChatSession
from desk.models import now

SECRET = "k" * 40


@pytest.fixture
def start(database, run):
    return lambda: run(chat_sessions.start(database, SECRET))


@pytest.fixture
def renew(database, run):
    return lambda token: run(chat_sessions.renew(database, SECRET, token))


@pytest.fixture
def is_open(database, run):
    return lambda opened: run(chat_sessions.is_open(database, opened.session_id))


@pytest.fixture
def later(database, run):
    """Let the time since the last renewal be longer."""

    async def pass_by(seconds):
        async with database.session() as session, session.begin():
            shifted = {"rotated_at": now() - timedelta(seconds=seconds)}
            await session.execute(update(ChatSession).values(shifted))

    return lambda seconds: run(pass_by(seconds))


def test_a_renewal_gives_new_tokens_of_the_same_conversation(start, renew):
    first = start()
    second = renew(first.renewal)
    assert second.session_id == first.session_id != start().session_id
    assert second.token != first.token and second.renewal != first.renewal
    assert second.expires_in == 15 * 60
    assert renew(second.renewal).session_id == first.session_id


def test_a_renewal_token_that_is_used_again_ends_the_session_for_both_holders(start, renew, later, is_open):
    first = start()
    second = renew(first.renewal)
    later(16)
    with pytest.raises(chat_sessions.Copied, match=first.session_id):
        renew(first.renewal)
    assert not is_open(first)
    with pytest.raises(tokens.InvalidToken):
        renew(second.renewal)


def test_the_one_before_the_last_ends_it_at_once(start, renew, is_open):
    first = start()
    renew(renew(first.renewal).renewal)
    with pytest.raises(chat_sessions.Copied):
        renew(first.renewal)
    assert not is_open(first)


def test_two_tabs_that_renew_at_once_share_the_next_token(database, run, start, renew):
    first = start()

    async def both():
        return await asyncio.gather(*(chat_sessions.renew(database, SECRET, first.renewal) for _ in range(5)))

    renewals = {tokens.read_renewal(SECRET, opened.renewal) for opened in run(both())}
    assert len(renewals) == 1
    assert renew(tokens.renewal_token(SECRET, renewals.pop())).session_id == first.session_id


def test_revoked_is_revoked(database, run, start, renew, is_open):
    opened, other = start(), start()
    assert run(chat_sessions.holder(database, SECRET, opened.token)) == opened.session_id
    assert run(chat_sessions.revoke(database, opened.session_id))
    assert not run(chat_sessions.revoke(database, opened.session_id))
    assert not is_open(opened) and is_open(other)
    with pytest.raises(tokens.InvalidToken):
        run(chat_sessions.holder(database, SECRET, opened.token))
    with pytest.raises(tokens.InvalidToken) as refusal:
        renew(opened.renewal)
    assert not isinstance(refusal.value, chat_sessions.Copied)


def test_a_session_that_the_desk_does_not_know_opens_nothing(database, run, renew):
    with pytest.raises(tokens.InvalidToken):
        run(chat_sessions.holder(database, SECRET, tokens.access_token(SECRET, "a" * 32)))
    with pytest.raises(tokens.InvalidToken):
        renew(tokens.renewal_token(SECRET, tokens.Renewal("a" * 32, "b" * 32)))


def test_sessions_that_nobody_renewed_are_deleted(database, run, start, is_open):
    old = start()

    async def age():
        async with database.session() as session, session.begin():
            await session.execute(update(ChatSession).values(expires_at=now() - timedelta(seconds=1)))

    async def kept():
        async with database.session() as session:
            return await session.get(ChatSession, old.session_id)

    run(age())
    assert not is_open(old)
    new = start()
    assert run(kept()) is None and is_open(new)


def test_an_address_opens_only_so_many_new_sessions():
    clock = [0.0]
    pace = chat_sessions.Pace(2, 10, lambda: clock[0])
    assert [pace.allows("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert pace.allows("192.0.2.2") and all(pace.allows("") for _ in range(9))
    clock[0] = 10.0
    assert pace.allows("192.0.2.1")


def test_addresses_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(chat_sessions, "MAX_ADDRESSES", 3)
    pace = chat_sessions.Pace()
    for number in range(9):
        pace.allows(f"192.0.2.{number}")
    assert len(pace._opened) == 3
