"""Orders on SQL."""

from sqlalchemy import select

from ..access import access
from ..models import CustomerRow, OrderRow
from ..protocols import Identity, Level, NotFound, Order
from .customers import same


def _order(row: OrderRow) -> Order:
    return Order(
        number=row.number,
        item=row.item,
        status=row.status,
        placed_on=row.placed_on,
        expected_on=row.expected_on,
        delivered_on=row.delivered_on,
        carrier=row.carrier,
        tracking_number=row.tracking_number,
    )


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
            return _order(row)

    def own(self, identity: Identity) -> list[Order]:
        """See `Orders.own`."""
        with access(identity, "order.list", Level.VERIFIED, identity.account_number) as session:
            mine = CustomerRow.account_number == identity.account_number
            query = select(OrderRow).join(CustomerRow).where(mine).order_by(OrderRow.placed_on.desc(), OrderRow.id)
            return [_order(row) for row in session.scalars(query)]
