"""The list of tasks: whose they are, what is overdue, and that done is done."""

from datetime import UTC, datetime, timedelta

import pytest
from conftest import tables_of, user

from desk import tasks
from desk.database import Database

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
PAGE = "/desk?view=tasks"


@pytest.fixture(scope="module")
def alex(desk):
    return desk.logged_in("alex")


@pytest.fixture(scope="module")
def sam(desk):
    return desk.logged_in("sam")


@pytest.fixture
def add(desk, alex, run, request):
    """Adds a task of this test's conversation and gives its number."""
    desk.stream.publish(request.node.name, user("hello"))
    conversation = int(alex.find(request.node.name).rsplit("/", 1)[1])

    def make(text: str, kind: str = "follow_up", days: int = 1, **more) -> int:
        async def write() -> int:
            database = Database(f"sqlite+aiosqlite:///{desk.stream.path.parent / 'desk.db'}")
            due = datetime.now(UTC) + timedelta(days=days)
            try:
                return (await tasks.add(database, conversation, kind, text, due, **more)).id
            finally:
                await database.close()

        return run(write())

    return make


def owner(desk, name: str) -> int:
    return tables_of(desk)("SELECT id FROM users WHERE name = :name", name=name)[0].id


def test_tasks_are_listed_by_their_days_and_done_once(desk, alex, add):
    later = add("Send the form")
    first = add("Call about the <deposit>", "callback", days=-1, phone="07700 900123")
    page = alex.get(PAGE).text
    assert page.index("Call about the &lt;deposit&gt;") < page.index("Send the form")
    assert 'data-state="late"' in page and 'href="tel:07700900123"' in page and f"CB-{first:05d}" in page
    assert alex.post(f"/desk/tasks/{first}/done").status_code == 303
    assert alex.post(f"/desk/tasks/{first}/done").status_code == 303
    left = alex.get(PAGE).text
    assert f'id="task-{first}"' not in left and f'id="task-{later}"' in left
    query = "SELECT 1 FROM audit WHERE action = 'task_done' AND detail = :reference"
    assert len(tables_of(desk)(query, reference=f"CB-{first:05d}")) == 1


def test_a_colleagues_task_is_theirs_and_the_supervisors(desk, alex, sam, add):
    task = add("Only for Sam", assigned_to=owner(desk, "sam"))
    assert "Only for Sam" not in alex.get(PAGE).text
    refused = alex.post(f"/desk/tasks/{task}/done")
    assert refused.status_code == 409 and "a colleague&#39;s task" in refused.text
    theirs = add("Only for Alex", assigned_to=owner(desk, "alex"))
    assert "Only for Alex" in sam.get(PAGE).text
    assert sam.post(f"/desk/tasks/{theirs}/done").status_code == 303


def test_odd_requests(desk, alex, add):
    assert alex.post("/desk/tasks/999999/done").status_code == 409
    assert alex.client.post("/desk/tasks/1/done").status_code == 403
    with desk.client() as client:
        assert client.post("/desk/tasks/1/done").headers["location"] == "/desk/login"
    add(EVIL)
    page = alex.get(PAGE).text
    assert "<script>alert" not in page and "<img src=x" not in page and "&lt;script&gt;" in page
