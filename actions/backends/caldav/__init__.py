"""Technicians' visits in a CalDAV calendar (RFC 4791)."""

from .booking import CaldavBooking

__all__ = ["CaldavBooking"]
