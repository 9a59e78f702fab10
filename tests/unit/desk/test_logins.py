"""Logging in: lockout by name and address, and sessions."""

import asyncio
from datetime import timedelta

import pytest
from conftest import PASSWORD
from sqlalchemy import update

from desk import accounts, logins
from desk.models import LoginAttempt, LoginSession, now


@pytest.fixture
def alex(run, database):
    return run(accounts.add_user(database, "alex", "Alex Morgan", "agent", PASSWORD))


def fail(run, database, times):
    for _ in range(times):
        with pytest.raises(logins.LoginFailed):
            run(logins.log_in(database, "alex", "wrong"))


def age_attempts(run, database, minutes):
    async def age():
        async with database.session() as session, session.begin():
            await session.execute(update(LoginAttempt).values(at=now() - timedelta(minutes=minutes)))

    run(age())


def test_the_right_password_opens_a_session_whose_token_is_not_stored(run, database, alex):
    token, user = run(logins.log_in(database, " Alex ", PASSWORD))
    assert user.display_name == "Alex Morgan"
    session = run(logins.find_session(database, token))
    assert session.user.name == "alex"
    assert token not in (session.token_hash, session.csrf_token)
    run(logins.log_out(database, token))
    assert run(logins.find_session(database, token)) is None


def test_a_wrong_name_and_a_wrong_password_sound_the_same(run, database, alex):
    messages = set()
    for name, password in (("alex", "wrong"), ("nobody", PASSWORD)):
        with pytest.raises(logins.LoginFailed) as failure:
            run(logins.log_in(database, name, password))
        messages.add(str(failure.value))
    assert len(messages) == 1


def test_five_failures_lock_the_name_for_a_quarter_of_an_hour(run, database, alex):
    fail(run, database, 5)
    with pytest.raises(logins.LockedOut):
        run(logins.log_in(database, "alex", PASSWORD))
    age_attempts(run, database, 16)
    assert run(logins.log_in(database, "alex", PASSWORD))


def test_four_failures_do_not_lock_and_a_success_clears_them(run, database, alex):
    for _ in range(2):
        fail(run, database, 4)
        assert run(logins.log_in(database, "alex", PASSWORD))


def test_refused_attempts_do_not_prolong_the_lock(run, database, alex):
    fail(run, database, 5)
    age_attempts(run, database, 14)
    fail(run, database, 3)
    age_attempts(run, database, 16)
    assert run(logins.log_in(database, "alex", PASSWORD))


def test_guesses_in_parallel_count_too(run, database, alex):
    async def guess():
        guesses = [logins.log_in(database, "alex", "wrong") for _ in range(12)]
        return await asyncio.gather(*guesses, return_exceptions=True)

    results = run(guess())
    assert all(isinstance(result, logins.LoginFailed) for result in results)
    assert sum(not isinstance(result, logins.LockedOut) for result in results) <= 5


def test_a_session_expires(run, database, alex):
    token, _ = run(logins.log_in(database, "alex", PASSWORD))

    async def expire():
        async with database.session() as session, session.begin():
            await session.execute(update(LoginSession).values(expires_at=now() - timedelta(seconds=1)))

    run(expire())
    assert run(logins.find_session(database, token)) is None


def test_twenty_failures_from_one_address_lock_it_for_all_names(run, database, alex):
    for number in range(20):
        with pytest.raises(logins.LoginFailed):
            run(logins.log_in(database, f"name{number}", "wrong", "203.0.113.9"))
    with pytest.raises(logins.LockedOut):
        run(logins.log_in(database, "alex", PASSWORD, "203.0.113.9"))
    assert run(logins.log_in(database, "alex", PASSWORD, "203.0.113.10"))
    age_attempts(run, database, 16)
    assert run(logins.log_in(database, "alex", PASSWORD, "203.0.113.9"))


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]", "", "no address"])
def test_the_machines_own_address_is_never_locked(run, database, alex, address):
    for number in range(21):
        with pytest.raises(logins.LoginFailed):
            run(logins.log_in(database, f"name{number}", "wrong", address))
    assert run(logins.log_in(database, "alex", PASSWORD, address))


def test_a_log_in_takes_the_place_of_the_browsers_former_one(run, database, alex):
    first, _ = run(logins.log_in(database, "alex", PASSWORD))
    elsewhere, _ = run(logins.log_in(database, "alex", PASSWORD))
    second, _ = run(logins.log_in(database, "alex", PASSWORD, replaces=first))
    assert [bool(run(logins.find_session(database, token))) for token in (first, elsewhere, second)] == [
        False,
        True,
        True,
    ]
    assert run(logins.count_sessions(database, alex.id)) == 2
    run(logins.log_out_everywhere(database, alex.id))
    assert run(logins.count_sessions(database, alex.id)) == 0
