"""Which implementation stands behind each Protocol."""

from functools import cache

from .protocols import Billing, Booking, Customers, Orders


@cache
def customers() -> Customers:
    """The customer records in use."""
    from .sql.customers import SqlCustomers

    return SqlCustomers()


@cache
def orders() -> Orders:
    """The order system in use."""
    from .sql.orders import SqlOrders

    return SqlOrders()


@cache
def billing() -> Billing:
    """The billing system in use."""
    from .sql.billing import SqlBilling

    return SqlBilling()


@cache
def booking() -> Booking:
    """The booking system in use."""
    from .sql.booking import SqlBooking

    return SqlBooking()
