"""Which implementation stands behind each Protocol: SQL, unless the environment chooses an adapter."""

from .. import settings
from .protocols import Billing, Booking, Customers, Feedback, Notes, Notifications, Orders, Outages, Tickets


def customers() -> Customers:
    """The customer records in use."""
    from .sql.customers import SqlCustomers

    return SqlCustomers()


def orders() -> Orders:
    """The order system in use."""
    from .sql.orders import SqlOrders

    return SqlOrders()


def billing() -> Billing:
    """The billing system in use."""
    from .sql.billing import SqlBilling

    return SqlBilling()


def booking() -> Booking:
    """The booking system in use (BOOKING=sql or caldav)."""
    if settings.booking() == "caldav":
        from .caldav import CaldavBooking

        return CaldavBooking(settings.caldav())
    from .sql.booking import SqlBooking

    return SqlBooking()


def tickets() -> Tickets:
    """The ticket system in use."""
    from .sql.tickets import SqlTickets

    return SqlTickets()


def outages() -> Outages:
    """The list of known faults in use."""
    from .sql.tickets import SqlOutages

    return SqlOutages()


def feedback() -> Feedback:
    """The store of ratings in use."""
    from .sql.feedback import SqlFeedback

    return SqlFeedback()


def notes() -> Notes:
    """The record of notes on customers in use."""
    from .sql.notes import SqlNotes

    return SqlNotes()


def notifications() -> Notifications:
    """What sends messages (NOTIFICATIONS=console or smtp)."""
    if settings.notifications() == "smtp":
        from .notify.smtp import SmtpNotifications

        return SmtpNotifications(settings.smtp())
    from .notify.console import ConsoleNotifications

    return ConsoleNotifications()
