"""Users and passwords: who can be added and changed, and how passwords are kept."""

import pytest
from argon2 import PasswordHasher
from conftest import PASSWORD
from sqlalchemy import select, update

from desk import accounts, logins, passwords
from desk.models import Conversation, User


@pytest.fixture
def add(run, database):
    """Adds a user."""
    return lambda name, role="agent": run(accounts.add_user(database, name, "", role, PASSWORD))


@pytest.fixture
def boss(add):
    return add("boss", "admin")


def stored(run, database, name):
    async def read():
        async with database.session() as session:
            return await session.scalar(select(User).where(User.name == name))

    return run(read())


def log_in(run, database, name, password=PASSWORD):
    return run(logins.log_in(database, name, password))[0]


def test_a_password_is_stored_as_an_argon2_hash(run, database, add):
    add("alex")
    assert stored(run, database, "alex").password_hash.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("kim", "agent", "short"),
        ("kim", "agent", "aaaaaaaaaaaaaa"),
        ("kim", "agent", "kim-kim-kimberley"),
        ("kim", "agent", "x1y2z3" * 40),
        ("kim", "owner", PASSWORD),
        ("", "agent", PASSWORD),
        ("a b", "agent", PASSWORD),
    ],
)
def test_users_that_cannot_be_added(run, database, name, role, password):
    with pytest.raises(accounts.AccountError) as error:
        run(accounts.add_user(database, name, "", role, password))
    assert str(error.value).endswith(".")


def test_a_name_is_taken_once(run, database, add):
    add("alex")
    with pytest.raises(accounts.AccountError, match="already"):
        add("ALEX")


def test_demo_users_have_all_roles_and_the_password_of_this_start(run, database):
    for password in (PASSWORD, "another-" + PASSWORD):
        run(accounts.ensure_demo_users(database, password))
        assert run(logins.log_in(database, "sam", password))[1].role == "supervisor"
    people = run(accounts.users(database))
    assert {(user.name, user.role) for user in people} == {
        ("alex", "agent"),
        ("sam", "supervisor"),
        ("dana", "designer"),
        ("uma", "auditor"),
        ("admin", "admin"),
    }


def test_the_first_administrator_gets_a_one_time_password_once(run, database):
    password = run(accounts.ensure_admin(database))
    assert len(password) == 19
    user = run(logins.log_in(database, "admin", password))[1]
    assert (user.role, user.must_change_password) == ("admin", True)
    assert run(accounts.ensure_admin(database)) is None


def test_a_taken_name_is_not_made_an_administrator(run, database, add):
    add("admin", "agent")
    with pytest.raises(accounts.AccountError, match="adduser"):
        run(accounts.ensure_admin(database))


def test_one_time_passwords_are_long_and_differ():
    given = {passwords.one_time() for _ in range(50)}
    assert len(given) == 50
    assert all(len(password) == 19 and not passwords.weakness(password, "") for password in given)


def test_changing_the_password_ends_all_log_ins(run, database, add):
    user = add("alex")
    tokens = [log_in(run, database, "alex") for _ in range(2)]
    new = "four words and one"
    run(accounts.change_password(database, user, PASSWORD, new, new))
    assert [run(logins.find_session(database, token)) for token in tokens] == [None, None]
    assert log_in(run, database, "alex", new)
    with pytest.raises(logins.LoginFailed):
        log_in(run, database, "alex")


@pytest.mark.parametrize(
    ("current", "new", "again", "says"),
    [
        ("wrong", "a new good password", "a new good password", "current password is wrong"),
        (PASSWORD, "a new good password", "another good password", "differ"),
        (PASSWORD, PASSWORD, PASSWORD, "another"),
        (PASSWORD, "short", "short", "too short"),
        (PASSWORD, "alex is my name", "alex is my name", "contains the name"),
    ],
)
def test_passwords_that_are_not_taken(run, database, add, current, new, again, says):
    user = add("alex")
    with pytest.raises(accounts.AccountError, match=says):
        run(accounts.change_password(database, user, current, new, again))
    assert log_in(run, database, "alex")


def test_a_reset_ends_the_log_ins_and_gives_a_one_time_password(run, database, add):
    user, token = add("alex"), log_in(run, database, "alex")
    password = run(accounts.reset_password(database, user.id))
    assert run(logins.find_session(database, token)) is None
    assert run(logins.log_in(database, "alex", password))[1].must_change_password
    run(accounts.change_password(database, stored(run, database, "alex"), password, PASSWORD, PASSWORD))
    assert not stored(run, database, "alex").must_change_password


def test_an_old_hash_is_renewed_at_the_log_in(run, database, add):
    add("alex")
    cheap = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)

    async def weaken():
        async with database.session() as session, session.begin():
            await session.execute(update(User).values(password_hash=cheap))

    run(weaken())
    log_in(run, database, "alex")
    renewed = stored(run, database, "alex").password_hash
    assert renewed != cheap and not passwords.outdated(renewed)
    assert log_in(run, database, "alex")


def test_a_disabled_user_is_out_at_once_and_can_come_back(run, database, add, boss):
    user, token = add("alex"), log_in(run, database, "alex")
    run(accounts.disable(database, boss, user.id))
    assert run(logins.find_session(database, token)) is None
    with pytest.raises(logins.LoginFailed, match="wrong"):
        log_in(run, database, "alex")
    run(accounts.enable(database, user.id))
    assert log_in(run, database, "alex")


def test_another_role_ends_the_log_ins(run, database, add, boss):
    user, token = add("alex"), log_in(run, database, "alex")
    assert run(accounts.change_user(database, boss, user.id, "Alex M", "agent"))
    assert run(logins.find_session(database, token))
    assert not run(accounts.change_user(database, boss, user.id, "Alex M", "agent"))
    assert run(accounts.change_user(database, boss, user.id, "Alex M", "supervisor"))
    assert run(logins.find_session(database, token)) is None


def test_there_is_always_an_administrator(run, database, add, boss):
    for refused in (
        accounts.disable(database, boss, boss.id),
        accounts.change_user(database, boss, boss.id, "Boss", "agent"),
    ):
        with pytest.raises(accounts.AccountError):
            run(refused)
    other = add("other", "admin")
    run(accounts.disable(database, other, boss.id))
    with pytest.raises(accounts.AccountError, match="only administrator"):
        run(accounts.disable(database, boss, other.id))


def test_who_still_has_a_conversation_stays(run, database, add, boss):
    user = add("alex")

    async def give():
        async with database.session() as session, session.begin():
            session.add(Conversation(sender_id="c", owner="agent", assigned_to=user.id))

    run(give())
    for refused in (
        accounts.disable(database, boss, user.id),
        accounts.change_user(database, boss, user.id, "Alex", "auditor"),
    ):
        with pytest.raises(accounts.AccountError, match="still has a conversation"):
            run(refused)
    assert run(accounts.change_user(database, boss, user.id, "Alex", "supervisor"))
