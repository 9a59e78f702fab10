from types import SimpleNamespace

from assistant.channels import duplicates
from assistant.channels.duplicates import Clicks, Deliveries


def test_the_same_id_in_the_same_conversation_is_new_once():
    now = [0.0]
    deliveries = Deliveries(clock=lambda: now[0])
    assert [deliveries.is_new("a", "1"), deliveries.is_new("a", "1")] == [True, False]
    assert deliveries.is_new("b", "1") and deliveries.is_new("a", "2")
    now[0] = duplicates.REMEMBERED_FOR - 1
    assert not deliveries.is_new("a", "1")
    now[0] = duplicates.REMEMBERED_FOR + 1
    assert deliveries.is_new("a", "1")


def test_messages_without_an_id_are_always_new():
    deliveries = Deliveries()
    assert deliveries.is_new("a", "") and deliveries.is_new("a", "")


def test_the_memory_of_ids_is_bounded(monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_SENDERS", 5)
    deliveries = Deliveries()
    assert all(deliveries.is_new("a", str(number)) for number in range(50))
    assert len(deliveries._seen) == 5
    assert not deliveries.is_new("a", "49")


def silent(has_spoken=False):
    return SimpleNamespace(has_spoken=has_spoken)


def test_a_double_click_is_one_message():
    clicks = Clicks()
    with clicks.click("a", "yes", silent()) as first, clicks.click("a", "yes", silent()) as second:
        assert (first, second) == (True, False)
    with clicks.click("a", "yes", silent()) as later:
        assert later, "the first turn is over"


def test_another_sender_or_text_is_no_double_click():
    clicks = Clicks()
    with (
        clicks.click("a", "yes", silent()),
        clicks.click("b", "yes", silent()) as other,
        clicks.click("a", "no", silent()) as no,
        clicks.click("a", "yes", silent()) as yes_after_all,
    ):
        assert (other, no, yes_after_all) == (True, True, True)


def test_a_second_yes_answers_what_the_running_turn_has_asked():
    clicks = Clicks()
    with clicks.click("a", "yes", silent(has_spoken=True)), clicks.click("a", "yes", silent()) as second:
        assert second


def test_after_two_seconds_it_is_no_double_click():
    now = [0.0]
    clicks = Clicks(clock=lambda: now[0])
    with clicks.click("a", "yes", silent()):
        now[0] = 2.1
        with clicks.click("a", "yes", silent()) as second:
            assert second


def test_nothing_is_remembered_of_turns_that_are_over():
    clicks = Clicks()
    with clicks.click("a", "yes", silent()), clicks.click("a", "no", silent()):
        pass
    assert clicks._latest == {}
