"""What time it is for the business: Northlight's customers live in the United Kingdom."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def local_now() -> datetime:
    """The current time on a clock in London, naive: appointments are kept so."""
    return utc_now().astimezone(LONDON).replace(tzinfo=None)


def today() -> date:
    """Today's date in London."""
    return local_now().date()
