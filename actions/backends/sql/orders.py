"""Orders, deliveries and returns on SQL."""

from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ... import clock
from .. import calendar, contacts, rules
from ..access import access
from ..done import change
from ..models import CustomerRow, OrderRow, ReturnRow
from ..protocols import (
    Address,
    Identity,
    Invalid,
    Level,
    LimitExceeded,
    NotFound,
    Order,
    Return,
    TooEarly,
    TooLate,
)
from .common import customer
from .customers import address_of, same

BEFORE_DISPATCH = ("placed", "packed")
MAX_REASON = 300


def _order(row: OrderRow, to_owner: bool) -> Order:
    return Order(
        number=row.number,
        item=row.item,
        status=row.status,
        placed_on=row.placed_on,
        expected_on=row.expected_on,
        delivered_on=row.delivered_on,
        carrier=row.carrier,
        tracking_number=row.tracking_number,
        price_pence=row.price_pence,
        deliver_to=row.deliver_to if to_owner else None,
    )


def _return(row: ReturnRow) -> Return:
    return Return(
        reference=f"NR{row.id:06d}",
        order_number=row.order.number,
        item=row.order.item,
        reason=row.reason,
        started_on=row.started_on,
        send_by=row.send_by,
        refund_pence=row.refund_pence,
    )


def _own(session: Session, identity: Identity, number: str, hold: bool = False) -> OrderRow:
    mine = CustomerRow.account_number == identity.account_number
    query = select(OrderRow).join(CustomerRow).where(mine, OrderRow.number == number)
    row = session.scalar(query.with_for_update() if hold else query)
    if row is None:
        raise NotFound("no such order")
    return row


def _before_dispatch(row: OrderRow) -> OrderRow:
    if row.status not in BEFORE_DISPATCH:
        raise TooLate(f"the order is {row.status}")
    return row


def _days(row: OrderRow) -> list[date]:
    kept, today = rules.deliveries(), clock.today()
    area = "".join(c for c in row.delivery_postcode[:2] if c.isalpha())
    needed = kept.remote_working_days if area in kept.remote_areas else kept.standard_working_days
    after = row.expected_on
    if after is None or after <= today:
        after = calendar.add_working_days(today, needed) - timedelta(days=1)
    return calendar.working_days(after, today + timedelta(days=kept.days_ahead))


def _plain(address: Address) -> str:
    return "".join(c for c in str(address).casefold() if c.isalnum())


class SqlOrders:
    """Implements `Orders`."""

    def matches(self, identity: Identity, order_number: str, postcode: str) -> bool:
        """See `Orders.matches`."""
        with access(identity, "order.match", Level.NONE, order_number) as session:
            kept = session.scalar(select(OrderRow.delivery_postcode).where(OrderRow.number == order_number))
            return same(postcode, kept)

    def order(self, identity: Identity, order_number: str) -> Order:
        """See `Orders.order`."""
        with access(identity, "order.read", Level.KNOWN, order_number) as session:
            row = session.scalar(select(OrderRow).where(OrderRow.number == order_number))
            if row is None:
                raise NotFound("no such order")
            verified = identity.level >= Level.VERIFIED and row.customer.account_number == identity.account_number
            if not verified and row.number not in identity.orders:
                raise NotFound("an order of somebody else")
            return _order(row, verified)

    def own(self, identity: Identity) -> list[Order]:
        """See `Orders.own`."""
        with access(identity, "order.list", Level.VERIFIED, identity.account_number) as session:
            mine = CustomerRow.account_number == identity.account_number
            query = select(OrderRow).join(CustomerRow).where(mine).order_by(OrderRow.placed_on.desc(), OrderRow.id)
            return [_order(row, True) for row in session.scalars(query)]

    def delivery_days(self, identity: Identity, order_number: str) -> list[date]:
        """See `Orders.delivery_days`."""
        with access(identity, "order.days", Level.VERIFIED, order_number) as session:
            return _days(_before_dispatch(_own(session, identity, order_number)))

    def change_date(self, identity: Identity, order_number: str, day: date, request: str) -> Order:
        """See `Orders.change_date`."""

        def do(session: Session) -> Order:
            row = _before_dispatch(_own(session, identity, order_number, hold=True))
            if day not in _days(row):
                raise Invalid("day", "That day cannot be had.")
            row.expected_on = day
            return _order(row, True)

        return change(identity, "order.change_date", Level.VERIFIED, order_number, request, Order, do)

    def change_address(self, identity: Identity, order_number: str, address: str, postcode: str, request: str) -> Order:
        """See `Orders.change_address`."""

        def do(session: Session) -> Order:
            row = _before_dispatch(_own(session, identity, order_number, hold=True))
            wanted = contacts.address(Address.of(address, postcode))
            if row.category == "phone" and _plain(wanted) != _plain(address_of(row.customer)):
                raise LimitExceeded("phone_to_account_address", "A phone only goes to the account's address.")
            row.deliver_to, row.delivery_postcode = str(wanted), wanted.postcode
            return _order(row, True)

        return change(identity, "order.change_address", Level.STEP_UP, order_number, request, Order, do)

    def cancel(self, identity: Identity, order_number: str, request: str) -> Order:
        """See `Orders.cancel`."""

        def do(session: Session) -> Order:
            row = _own(session, identity, order_number, hold=True)
            if row.status != "cancelled":
                _before_dispatch(row).status = "cancelled"
                row.expected_on = None
            return _order(row, True)

        return change(identity, "order.cancel", Level.VERIFIED, order_number, request, Order, do)

    def start_return(self, identity: Identity, order_number: str, reason: str, request: str) -> Return:
        """See `Orders.start_return`; the period is the one in knowledge/orders/returns.md."""

        def do(session: Session) -> Return:
            row = _own(session, identity, order_number, hold=True)
            earlier = session.scalar(select(ReturnRow).where(ReturnRow.order_id == row.id))
            return _return(earlier or _started(session, row, " ".join(reason.split())[:MAX_REASON]))

        return change(identity, "order.return", Level.VERIFIED, order_number, request, Return, do)

    def returns(self, identity: Identity) -> list[Return]:
        """See `Orders.returns`."""
        with access(identity, "order.returns", Level.VERIFIED, identity.account_number) as session:
            mine = OrderRow.customer_id == customer(session, identity).id
            query = select(ReturnRow).join(OrderRow).where(mine).order_by(ReturnRow.id.desc())
            return [_return(row) for row in session.scalars(query)]


def _started(session: Session, row: OrderRow, reason: str) -> ReturnRow:
    kept, today = rules.deliveries(), clock.today()
    if row.status in (*BEFORE_DISPATCH, "dispatched"):
        raise TooEarly("the order has not arrived")
    if row.status != "delivered" or row.delivered_on is None:
        raise TooLate(f"the order is {row.status}")
    if today > row.delivered_on + timedelta(days=kept.return_days):
        raise TooLate("the return period is over")
    made = ReturnRow(
        order=row,
        reason=reason,
        started_on=today,
        send_by=today + timedelta(days=kept.send_back_days),
        refund_pence=row.price_pence,
    )
    session.add(made)
    session.flush()
    return made
