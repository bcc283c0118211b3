"""What the agent remembers, in one file that a power cut leaves as it was before a change or after it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from base import durable
from base.system_errors import system_error
from fleet.agent.box import Placed
from fleet.channels.content import parse_time, time_text
from fleet.errors import ChannelRejected, JournalRejected

JOURNAL: Final = "agent.json"
SCHEMA_VERSION: Final = "1"
_MOST_EVENTS: Final = 200
MOST_BAD: Final = 100
"""Digests that are remembered as bad, the newest of them; as many as a status holds."""


class Step(StrEnum):
    """What is done next in an update; what stands here was not finished before."""

    DRAIN = "drain"
    SWITCH = "switch"
    PROVE = "prove"
    BACK = "back"


@dataclass(frozen=True)
class Attempt:
    """One update from the moment at which everything for it is on the box."""

    step: Step
    to: Mapping[str, Placed]
    back: Mapping[str, Placed]
    """What the same components were before."""

    begun_at: datetime
    interruptions: int = 0
    """How often the agent was ended while what is new already ran, or was about to."""


@dataclass(frozen=True)
class Bad:
    """Something that this box went back from, and does not try again by itself."""

    component: str
    version: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Good:
    """What a component is since an update that was proved."""

    placed: Placed
    since: datetime
    before: tuple[Placed, ...] = ()
    """What is kept on the box until this has been good for long enough, oldest first."""


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    at: datetime
    what: str


@dataclass(frozen=True)
class Journal:
    """All that is remembered at one moment."""

    attempt: Attempt | None = None
    bad: Mapping[str, Bad] = field(default_factory=dict)
    """By digest."""

    good: Mapping[str, Good] = field(default_factory=dict)
    """By component."""

    events: tuple[Event, ...] = ()
    """The last ones, oldest first."""

    def noting(self, at: datetime, what: str) -> "Journal":
        """Return the journal with one more event."""
        return replace(self, events=(*self.events, Event(at, what))[-_MOST_EVENTS:])

    def without_bad(self, digest: str) -> "Journal":
        """Return the journal with that digest forgotten."""
        return replace(self, bad={each: why for each, why in self.bad.items() if each != digest})


class JournalFile:
    """The journal of a box, in its state folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / JOURNAL

    def read(self) -> Journal:
        """Return what is remembered, an empty journal where there is none yet.

        Raises `JournalRejected` for a damaged one, since bad images would be forgotten with it, and `SystemFailed`.
        """
        try:
            return _parse(json.loads(self._file.read_bytes()))
        except FileNotFoundError:
            return Journal()
        except OSError as error:
            raise system_error(error, str(self._file)) or _rejected(self._file) from error
        except (ValueError, KeyError, TypeError, AttributeError, ChannelRejected) as error:
            raise _rejected(self._file) from error

    def write(self, journal: Journal) -> None:
        """Keep a journal in the place of the one before; raises `SystemFailed`."""
        content = json.dumps(_mapping(journal), indent=1, sort_keys=True) + "\n"
        try:
            durable.make_folder(self._file.parent)
            durable.write_file(self._file, content.encode())
        except OSError as error:
            raise system_error(error, str(self._file)) or _rejected(self._file) from error


def went_back_from(folder: Path) -> tuple[str, ...]:
    """Return the digests that a box went back from, for its status; raises as `JournalFile.read`."""
    return tuple(JournalFile(folder).read().bad)


def _rejected(file: Path) -> JournalRejected:
    said = "move it away to begin anew, which forgets what this box went back from"
    return JournalRejected(f"{file} cannot be read or written as a journal; {said}")


def _mapping(journal: Journal) -> dict[str, Any]:
    named: dict[str, Any] = _plain(asdict(journal))
    return {"schema_version": SCHEMA_VERSION} | named


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _parse(mapping: dict[str, Any]) -> Journal:
    if mapping["schema_version"] != SCHEMA_VERSION:
        raise ValueError(mapping["schema_version"])
    attempt = mapping["attempt"]
    return Journal(
        attempt=None if attempt is None else _attempt(attempt),
        bad={str(digest): Bad(**_timed(each, "at")) for digest, each in mapping["bad"].items()},
        good={str(name): _good(each) for name, each in mapping["good"].items()},
        events=tuple(Event(**_timed(each, "at")) for each in mapping["events"]),
    )


def _attempt(mapping: dict[str, Any]) -> Attempt:
    return Attempt(
        Step(mapping["step"]),
        _placed(mapping["to"]),
        _placed(mapping["back"]),
        parse_time(mapping["begun_at"], "begun_at"),
        int(mapping["interruptions"]),
    )


def _good(mapping: dict[str, Any]) -> Good:
    before = tuple(Placed(**each) for each in mapping["before"])
    return Good(Placed(**mapping["placed"]), parse_time(mapping["since"], "since"), before)


def _placed(mapping: dict[str, Any]) -> dict[str, Placed]:
    return {str(name): Placed(**each) for name, each in mapping.items()}


def _timed(mapping: dict[str, Any], name: str) -> dict[str, Any]:
    return mapping | {name: parse_time(mapping[name], name)}
