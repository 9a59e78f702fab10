"""The times that are on offer: a list that is shown a page at a time, forwards and backwards, and never repeats."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from .backends import Window
from .visits import by_ids

PAGE = 3
SLOT = "visit_offer"  # keeps the offer of the form that asks for a time
Kind = Literal["first", "fitting", "nearest", "others"]


@dataclass
class Offer:
    """The ids of all windows that were or will be shown, where the page begins, and why these are offered."""

    pool: list[str]
    at: int = 0
    kind: Kind = "first"

    @classmethod
    def of(cls, value: Any) -> "Offer | None":
        """The offer that the slot holds."""
        return cls(**value) if value else None

    @classmethod
    def made(cls, windows: list[Window], kind: Kind) -> "Offer":
        """An offer of these windows."""
        return cls([window.id for window in windows], 0, kind)

    def value(self) -> dict[str, Any]:
        """What the slot holds."""
        return {"pool": self.pool, "at": self.at, "kind": self.kind}

    def page(self, free: list[Window]) -> list[Window | None]:
        """The windows that are shown now; None for one that has been taken."""
        return by_ids(self.pool[self.at : self.at + PAGE], free)

    def more(self, free: list[Window]) -> bool:
        """Whether there are times that have not been shown."""
        shown = set(self.pool[: self.at + PAGE])
        return any(window.id not in shown for window in free)

    def forward(self, free: list[Window]) -> bool:
        """Turn to times that have not been shown, later ones first; False when there are none."""
        starts = {window.id: window.starts_at for window in free}
        shown, rest = self.pool[: self.at + PAGE], [i for i in self.pool[self.at + PAGE :] if i in starts]
        last = max((starts[i] for i in shown if i in starts), default=datetime.min)
        unseen = [window.id for window in free if window.id not in self.pool]
        rest += sorted(unseen, key=lambda i: (starts[i] < last, starts[i]))
        if not rest:
            return False
        self.pool, self.at, self.kind = [*shown, *rest], len(shown), "others"
        return True

    def back(self, free: list[Window]) -> bool:
        """Turn a page back, or to times before the first one; False when there are none."""
        if self.at > 0:
            self.at, self.kind = max(0, self.at - PAGE), "others"
            return True
        starts = {window.id: window.starts_at for window in free}
        begin = min((starts[i] for i in self.pool if i in starts), default=None)
        before = [w.id for w in free if begin and w.starts_at < begin and w.id not in self.pool][-PAGE:]
        self.pool, self.kind = [*before, *self.pool], "others"
        return bool(before)
