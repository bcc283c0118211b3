"""The chain of all changes of states: appended to in the change itself, checked from end to end."""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from gateway.ledger.schema import history

FIRST_DIGEST: Final = "0" * 64
"""Before the first entry."""


@dataclass(frozen=True)
class Entry:
    """One change of a state."""

    seq: int
    """From 1, without gaps."""

    at: float
    """When, s since 1970."""

    subject: str
    """`study:ID`, `delivery:ID`, or `fetch:ID` of who fetched the results of a study."""

    was: str
    becomes: str
    reason: str
    """No patient data."""

    def digest(self, before: str) -> str:
        """Return the digest of this entry behind the one with that digest."""
        content = json.dumps([self.seq, repr(self.at), self.subject, self.was, self.becomes, self.reason])
        return hashlib.sha256(f"{before}{content}".encode()).hexdigest()


@dataclass(frozen=True)
class Head:
    """The end of the chain: whoever keeps it elsewhere can tell whether the ledger was changed behind it."""

    seq: int
    digest: str


def append(connection: Connection, at: float, subject: str, was: str, becomes: str, reason: str) -> None:
    """Add an entry at the end of the chain, in a change of the ledger."""
    head = head_of(connection)
    entry = Entry(head.seq + 1, at, subject, was, becomes, reason)
    connection.execute(history.insert(), {**entry.__dict__, "digest": entry.digest(head.digest)})


def head_of(connection: Connection) -> Head:
    """Return the end of the chain."""
    found = connection.execute(select(history.c.seq, history.c.digest).order_by(history.c.seq.desc()).limit(1)).first()
    return Head(0, FIRST_DIGEST) if found is None else Head(found.seq, found.digest)


def first_fault(connection: Connection, known: Head | None = None) -> str | None:
    """Return what is wrong with the chain, in words; None for one that is whole and holds a head known from before."""
    before, expected = FIRST_DIGEST, 1
    for row in connection.execute(select(history).order_by(history.c.seq)):
        entry = Entry(row.seq, row.at, row.subject, row.was, row.becomes, row.reason)
        if row.seq != expected:
            return f"entry {expected} is missing"
        if row.digest != entry.digest(before):
            return f"entry {row.seq} is not what was written"
        if known is not None and row.seq == known.seq and row.digest != known.digest:
            return f"entry {row.seq} is another one than was told before"
        before, expected = row.digest, expected + 1
    if known is not None and known.seq >= expected:
        return f"the chain ends at {expected - 1}, before entry {known.seq} that was told before"
    return None


def entries_of(connection: Connection, subject: str) -> list[Entry]:
    """Return the entries about one study or delivery, oldest first."""
    rows = connection.execute(select(history).where(history.c.subject == subject).order_by(history.c.seq))
    return [Entry(row.seq, row.at, row.subject, row.was, row.becomes, row.reason) for row in rows]
