import logging

from assistant.logs import LOGGERS, WithoutDetails, keep_customers_words_out


def test_the_kinds_of_errors_are_logged_and_their_texts_are_not(caplog):
    logger = logging.getLogger("test_logs")
    logger.addFilter(WithoutDetails())
    try:
        try:
            raise KeyError("my secret words")
        except KeyError as error:
            raise ValueError("more secret words") from error
    except ValueError:
        logger.exception("Action %s failed.", "action_balance")
    assert "Action action_balance failed. (ValueError from KeyError)" in caplog.text
    assert "secret" not in caplog.text


def test_other_records_pass(caplog):
    logger = logging.getLogger("test_logs_2")
    logger.addFilter(WithoutDetails())
    logger.error("50%% of %s", "it")
    assert "50% of it" in caplog.text


def test_rasas_loggers_get_one_filter_each():
    keep_customers_words_out()
    keep_customers_words_out()
    for name in LOGGERS:
        filters = logging.getLogger(name).filters
        assert [isinstance(present, WithoutDetails) for present in filters].count(True) == 1
