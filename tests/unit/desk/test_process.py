"""The desk as a process: start, stop, settings, users."""

import re
import secrets
import signal
import subprocess
import sys
import time

import httpx
import pytest
from conftest import (
    PASSWORD,
    ROOT,
    Member,
    desk_environment,
    free_port,
    handed_over,
    start_desk,
    stop_desk,
    user,
    wait_for,
)


def desk_command(env, *arguments, text=""):
    command = [sys.executable, "-m", "desk", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=env, input=text, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "name", ["TANDEM_VAR", "TANDEM_SECRET", "RASA_TOKEN", "ACTIONS_TOKEN", "DESK_TOKEN", "DEMO_AGENT_PASSWORD"]
)
def test_a_missing_setting_is_one_sentence(tmp_path, name):
    env = desk_environment(tmp_path, free_port(), 9)
    del env[name]
    result = desk_command(env)
    assert result.returncode == 2
    assert result.stderr == f"{name} is not set: start Tandem with `make run`, or load var/env first.\n"


def test_a_port_that_is_no_number_and_a_taken_port(tmp_path, desk):
    env = desk_environment(tmp_path, free_port(), 9) | {"DESK_PORT": "eighty"}
    assert desk_command(env).returncode == 2
    taken = desk.url.rsplit(":", 1)[1]
    result = desk_command(env | {"DESK_PORT": taken})
    assert result.returncode == 2
    assert result.stderr == f"Port {taken} is taken: stop what uses it, or set DESK_PORT to another port.\n"


def test_a_database_that_cannot_be_opened(tmp_path):
    (tmp_path / "file").write_text("")
    env = desk_environment(tmp_path, free_port(), 9)
    result = desk_command(env | {"DESK_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/file/desk.db"})
    assert result.returncode == 2
    assert result.stderr.startswith("The desk's database cannot be used")
    assert len(result.stderr.splitlines()) == 1


def test_it_starts_before_the_assistant_and_stops_at_once_with_pages_open(tmp_path, scripted_server):
    running = start_desk(tmp_path, scripted_server.port)
    member = running.logged_in()
    with member.client.stream("GET", "/desk/stream") as stream:
        assert "event: inbox" in next(stream.iter_text())
        running.stream.create().publish("early", user("hello"))
        member.find("early")
        begin = time.monotonic()
        assert stop_desk(running) == 0
        assert time.monotonic() - begin < 4


def test_what_is_stored_survives_a_kill(tmp_path, scripted_server):
    running = start_desk(tmp_path, scripted_server.port)
    running.stream.create().publish("c", user("before"))
    running.logged_in().find("c")
    running.process.send_signal(signal.SIGKILL)
    running.process.communicate()
    running.stream.publish("c", user("while it was down"))
    again = start_desk(tmp_path, scripted_server.port)
    try:
        member = again.logged_in()
        page = member.get(member.find("c")).text
        assert page.count("while it was down") >= 1
        assert page.count('data-who="customer"') == 2
    finally:
        stop_desk(again)


def test_a_restart_keeps_who_has_a_conversation(tmp_path, scripted_server):
    scripted_server.status = 200
    running = start_desk(tmp_path, scripted_server.port)
    running.stream.create().publish("c", user("hello"), *handed_over())
    member = running.logged_in()
    address = member.find("c")
    assert member.post(f"{address}/take", seen_assignee="").status_code == 303
    running.process.send_signal(signal.SIGKILL)
    running.process.communicate()
    again = start_desk(tmp_path, scripted_server.port)
    try:
        assert again.logged_in().reply(address, "Still here.").status_code == 200
        assert again.logged_in("sam").reply(address, "Me too.").status_code == 409
    finally:
        stop_desk(again)


@pytest.mark.parametrize(
    ("name", "value"), [("DESK_ASSIGNMENT", "shove"), ("DESK_GONE_SECONDS", "soon"), ("DESK_WATCHDOG_SECONDS", "0")]
)
def test_a_wrong_setting_is_one_sentence(tmp_path, name, value):
    result = desk_command(desk_environment(tmp_path, free_port(), 9) | {name: value})
    assert result.returncode == 2
    assert result.stderr.startswith(f"{name} is {value!r}: set it to ") and len(result.stderr.splitlines()) == 1


def test_a_desk_that_pushes_offers_what_arrives(tmp_path, scripted_server):
    scripted_server.status = 200
    running = start_desk(tmp_path, scripted_server.port, DESK_ASSIGNMENT="push")
    try:
        member = running.logged_in()
        running.stream.create().publish("c", user("hello"), *handed_over())
        wait_for(lambda: 'data-sender="c"' in member.get("/desk/inbox?view=mine").text)
        assert "Hand back" in member.get(member.find("c")).text
    finally:
        stop_desk(running)


def test_a_user_is_added_from_the_command_line(tmp_path, scripted_server):
    env = desk_environment(tmp_path, free_port(), 9)
    result = desk_command(env, "adduser", "kim", "--role", "agent", "--display-name", "Kim Lee", text=PASSWORD + "\n")
    assert (result.returncode, result.stdout) == (0, "Added kim as agent.\n")
    assert desk_command(env, "adduser", "kim", text=PASSWORD + "\n").returncode == 2
    assert "too short" in desk_command(env, "adduser", "lee", text="short\n").stderr
    running = start_desk(tmp_path, scripted_server.port)
    try:
        assert "Kim Lee" in Member(running.client(), "kim").get("/desk").text
    finally:
        stop_desk(running)


def test_it_listens_on_loopback_only(desk):
    port = int(desk.url.rsplit(":", 1)[1])
    with open("/proc/net/tcp") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert [address for address in listening if address.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
    assert httpx.get(f"{desk.url}/health", trust_env=False).status_code == 200


def test_the_first_start_outside_the_demonstration_prints_an_administrators_password_once(tmp_path):
    env = outside_the_demo(tmp_path)
    outputs = []
    for _ in range(2):
        command = [sys.executable, "-m", "desk"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            wait_for(lambda port=env["DESK_PORT"]: answers(f"http://127.0.0.1:{port}/health"), 30)
        finally:
            process.send_signal(signal.SIGTERM)
            outputs.append(process.communicate(timeout=10))
    (printed, logged), (again, logged_again) = outputs
    password = re.search(r"as admin with the one-time password (\S+)", printed).group(1)
    assert len(password) == 19 and "one-time" not in again
    assert (printed + logged + again + logged_again).count(password) == 1


def outside_the_demo(folder):
    names = ("TANDEM_SECRET", "RASA_TOKEN", "ACTIONS_TOKEN", "DESK_TOKEN")
    random = {name: secrets.token_hex(32) for name in names}
    return desk_environment(folder, free_port(), 9) | random | {"TANDEM_DEMO": "0"}


@pytest.mark.parametrize("name", ["TANDEM_SECRET", "RASA_TOKEN", "ACTIONS_TOKEN", "DESK_TOKEN"])
def test_outside_the_demonstration_a_guessable_secret_is_one_sentence(tmp_path, name):
    result = desk_command(outside_the_demo(tmp_path) | {name: "change-me"})
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith(f"{name} is too short") and len(result.stderr.splitlines()) == 1


def test_an_address_that_others_reach_must_be_meant(tmp_path):
    result = desk_command(desk_environment(tmp_path, free_port(), 9) | {"DESK_HOST": "0.0.0.0"})
    assert result.returncode == 2
    assert "TANDEM_EXPOSE=1" in result.stderr and len(result.stderr.splitlines()) == 1


def test_the_demonstrations_users_are_shut_out_after_it(tmp_path, scripted_server):
    stop_desk(start_desk(tmp_path, scripted_server.port))
    result = desk_command(outside_the_demo(tmp_path))
    assert result.returncode == 2 and "python -m desk adduser NAME --role admin" in result.stderr
    assert 'demo_users_disabled users="admin, alex, dana, sam, uma"' in result.stdout


def answers(address):
    try:
        return httpx.get(address, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
