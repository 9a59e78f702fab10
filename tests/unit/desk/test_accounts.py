"""Passwords, lockout and sessions."""

import asyncio
from datetime import timedelta

import pytest
from conftest import PASSWORD
from sqlalchemy import func, select, update

from desk import accounts
from desk.models import LoginAttempt, LoginSession, User, now


@pytest.fixture
def alex(run, database):
    run(accounts.add_user(database, "alex", "Alex Morgan", "agent", PASSWORD))


def fail(run, database, times):
    for _ in range(times):
        with pytest.raises(accounts.LoginFailed):
            run(accounts.log_in(database, "alex", "wrong"))


def age_attempts(run, database, minutes):
    async def age():
        async with database.session() as session, session.begin():
            await session.execute(update(LoginAttempt).values(at=now() - timedelta(minutes=minutes)))

    run(age())


def test_a_password_is_stored_as_an_argon2_hash(run, database, alex):
    async def stored():
        async with database.session() as session:
            return await session.scalar(select(User.password_hash))

    assert run(stored()).startswith("$argon2id$")


def test_the_right_password_opens_a_session_whose_token_is_not_stored(run, database, alex):
    token, user = run(accounts.log_in(database, " Alex ", PASSWORD))
    assert user.display_name == "Alex Morgan"
    session = run(accounts.find_session(database, token))
    assert session.user.name == "alex"
    assert token not in (session.token_hash, session.csrf_token)
    run(accounts.log_out(database, token))
    assert run(accounts.find_session(database, token)) is None


def test_a_wrong_name_and_a_wrong_password_sound_the_same(run, database, alex):
    messages = set()
    for name, password in (("alex", "wrong"), ("nobody", PASSWORD)):
        with pytest.raises(accounts.LoginFailed) as failure:
            run(accounts.log_in(database, name, password))
        messages.add(str(failure.value))
    assert len(messages) == 1


def test_five_failures_lock_the_name_for_a_quarter_of_an_hour(run, database, alex):
    fail(run, database, 5)
    with pytest.raises(accounts.LockedOut):
        run(accounts.log_in(database, "alex", PASSWORD))
    age_attempts(run, database, 16)
    assert run(accounts.log_in(database, "alex", PASSWORD))


def test_four_failures_do_not_lock_and_a_success_clears_them(run, database, alex):
    for _ in range(2):
        fail(run, database, 4)
        assert run(accounts.log_in(database, "alex", PASSWORD))


def test_refused_attempts_do_not_prolong_the_lock(run, database, alex):
    fail(run, database, 5)
    age_attempts(run, database, 14)
    fail(run, database, 3)
    age_attempts(run, database, 16)
    assert run(accounts.log_in(database, "alex", PASSWORD))


def test_guesses_in_parallel_count_too(run, database, alex):
    async def guess():
        guesses = [accounts.log_in(database, "alex", "wrong") for _ in range(12)]
        return await asyncio.gather(*guesses, return_exceptions=True)

    results = run(guess())
    assert all(isinstance(result, accounts.LoginFailed) for result in results)
    assert sum(not isinstance(result, accounts.LockedOut) for result in results) <= 5


def test_a_session_expires(run, database, alex):
    token, _ = run(accounts.log_in(database, "alex", PASSWORD))

    async def expire():
        async with database.session() as session, session.begin():
            await session.execute(update(LoginSession).values(expires_at=now() - timedelta(seconds=1)))

    run(expire())
    assert run(accounts.find_session(database, token)) is None


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [("kim", "agent", "short"), ("kim", "owner", PASSWORD), ("", "agent", PASSWORD), ("a b", "agent", PASSWORD)],
)
def test_users_that_cannot_be_added(run, database, name, role, password):
    with pytest.raises(accounts.AccountError):
        run(accounts.add_user(database, name, "", role, password))


def test_a_name_is_taken_once(run, database, alex):
    with pytest.raises(accounts.AccountError, match="already"):
        run(accounts.add_user(database, "ALEX", "", "agent", PASSWORD))


def test_demo_users_get_the_password_of_this_start(run, database):
    for password in (PASSWORD, "another-" + PASSWORD):
        run(accounts.ensure_demo_users(database, password))
        assert run(accounts.log_in(database, "sam", password))[1].is_supervisor

    async def count():
        async with database.session() as session:
            return await session.scalar(select(func.count()).select_from(User))

    assert run(count()) == 2
