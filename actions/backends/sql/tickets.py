"""Tickets and known outages on SQL."""

from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from ... import clock
from .. import calendar, rules
from ..access import access
from ..done import change
from ..models import OutageRow, TicketRow
from ..protocols import Identity, Invalid, Level, Outage, Priority, Ticket, TicketKind
from .common import customer

MAX_SUBJECT = 200
MAX_DETAILS = 4000


def promised_by(kind: TicketKind, priority: Priority) -> datetime:
    """When the customer of a ticket opened now hears from somebody at the latest (London time)."""
    promise, now = rules.promises().of(kind, priority), clock.local_now()
    if promise.hours:
        return calendar.add_opening_time(now, timedelta(hours=promise.hours)).replace(second=0, microsecond=0)
    if promise.working_days:
        return calendar.end_of_day(calendar.add_working_days(now.date(), promise.working_days))
    return calendar.end_of_day(now.date() + timedelta(days=promise.days or 0))


def _ticket(row: TicketRow) -> Ticket:
    return Ticket(
        reference=f"NT{row.id:06d}",
        kind=row.kind,  # type: ignore[arg-type]
        subject=row.subject,
        priority=row.priority,  # type: ignore[arg-type]
        promised_by=row.promised_by,
        status=row.status,  # type: ignore[arg-type]
    )


class SqlTickets:
    """Implements `Tickets`."""

    def open(
        self, identity: Identity, kind: TicketKind, subject: str, details: str, priority: Priority, request: str
    ) -> Ticket:
        """See `Tickets.open`."""

        def do(session: Session) -> Ticket:
            if kind not in get_args(TicketKind):
                raise Invalid("kind", "There is no such kind of ticket.")
            if priority not in get_args(Priority):
                raise Invalid("priority", "There is no such priority.")
            if not subject.strip():
                raise Invalid("subject", "A ticket needs a subject.")
            verified = identity.level >= Level.VERIFIED
            row = TicketRow(
                conversation_id=identity.conversation_id,
                customer_id=customer(session, identity).id if verified else None,
                kind=kind,
                subject=" ".join(subject.split())[:MAX_SUBJECT],
                details=details[:MAX_DETAILS],
                priority=priority,
                status="open",
                promised_by=promised_by(kind, priority),
                opened_at=clock.utc_now(),
            )
            session.add(row)
            session.flush()
            return _ticket(row)

        # The level may end between two sends of the same request, so it is the conversation's, not the account's.
        owner = f"conversation:{identity.conversation_id}"
        return change(identity, "ticket.open", Level.NONE, kind, request, Ticket, do, owner)

    def own(self, identity: Identity) -> list[Ticket]:
        """See `Tickets.own`."""
        with access(identity, "ticket.list", Level.VERIFIED, identity.account_number) as session:
            mine = select(TicketRow).where(TicketRow.customer_id == customer(session, identity).id)
            return [_ticket(row) for row in session.scalars(mine.order_by(TicketRow.id.desc()))]


class SqlOutages:
    """Implements `Outages`."""

    def outages(self, identity: Identity, postcode: str) -> list[Outage]:
        """See `Outages.outages`."""
        compact = "".join(postcode.split()).upper()
        area = postcode.split()[0].upper() if len(postcode.split()) > 1 else compact
        if len(compact) > 4 and area == compact:  # written without a space: the last three belong to the street
            area = compact[:-3]
        with access(identity, "outage.list", Level.NONE, area[:8]) as session:
            lasting = OutageRow.ended_at.is_(None), OutageRow.since <= clock.local_now()
            query = select(OutageRow).where(OutageRow.area == area, *lasting).order_by(OutageRow.since)
            return [Outage(row.area, row.since, row.expected_fix, row.text) for row in session.scalars(query)]
