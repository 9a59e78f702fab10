"""What a backend can refuse, or fail to do. No text of these quotes a customer's data."""


class BackendError(Exception):
    """Something that a backend could not do."""


class NotAllowed(BackendError):
    """The caller's level is below what the method needs."""


class NotFound(BackendError):
    """There is no such object for this caller."""


class Unavailable(BackendError):
    """The system behind cannot be reached or is busy; nothing was learnt and it may be tried again later."""


class Undeliverable(BackendError):
    """A message was refused for good: the address does not exist or takes no messages."""


class WindowTaken(BackendError):
    """The technician's time has no free place any more, or cannot be booked (past, too soon, too far ahead)."""


class TooLate(BackendError):
    """The moment for this has passed: an order is dispatched, a return period or a time to undo is over."""


class TooEarly(BackendError):
    """The moment for this has not come: an order that has not arrived cannot be sent back."""


class Invalid(BackendError):
    """A value cannot be taken; `field` says which one (email, phone, address, postcode, pence, paid_on …)."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class LimitExceeded(BackendError):
    """A rule of the business forbids it; `limit` names the rule as its data file does (see each method)."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit
