"""When a box may begin: within its window, and not at the same moment as every other box of its ring."""

import hashlib
from datetime import datetime, time, timedelta
from typing import Final

from fleet.channels.content import Part
from fleet.settings import WINDOW

_DAY: Final = timedelta(days=1)


def may_begin(part: Part, box: str, window: str, spread: timedelta, now: datetime) -> datetime | None:
    """Return None where a box may begin with a part now, else the next moment at which to look again.

    Each box waits a time of its own, up to `spread`, after the part counts and after its window opens: the same one
    after every start, since it comes from the box's name and the part's sequence number. `now` has a time zone, which
    is that of the window.
    """
    delay = _share(box, part.sequence) * spread
    earliest = part.not_before + delay
    if now < earliest:
        return earliest
    if not window:
        return None
    opens, length = _opening(window, now)
    if now >= opens + length:
        return opens + _DAY
    begins = opens + min(delay, length / 2)
    return begins if now < begins else None


def _share(box: str, sequence: int) -> float:
    """Return a number from 0 up to 1 that is the box's own for this sequence number."""
    digest = hashlib.sha256(f"{box}:{sequence}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _opening(window: str, now: datetime) -> tuple[datetime, timedelta]:
    """Return when the window last opened, and for how long; one from 22:00 to 05:00 opens the evening before."""
    found = WINDOW.fullmatch(window)
    if found is None:
        raise ValueError(window)
    first, last = (time(int(found[at]), int(found[at + 1])) for at in (1, 3))
    opens = datetime.combine(now.date(), first, now.tzinfo)
    opens -= _DAY if opens > now else timedelta()
    closes = datetime.combine(opens.date(), last, now.tzinfo)
    closes += _DAY if closes <= opens else timedelta()
    return opens, closes - opens
