"""What a gateway tells of its studies, whichever client asked: its answers as values, its failures in our words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sidewall import errors
from sidewall.answer import translate
from sidewall.artefacts import Artefact
from sidewall.case_folder import save_case
from sidewall.details import take_details
from sidewall.peer import Peer
from sidewall.v1 import studies_pb2


@dataclass(frozen=True)
class HistoryHead:
    """The end of the gateway's chain of changes; kept elsewhere it shows later whether the ledger was changed."""

    entry: int
    digest: str
    """SHA-256, hexadecimal."""


@dataclass(frozen=True)
class StudyEntry:
    """One change of a study's state, or one fetch of its results."""

    at: str
    """ISO 8601, UTC."""

    state: str
    reason: str


@dataclass(frozen=True)
class StudyDelivery:
    """One object on its way to one destination."""

    destination: str
    object: str
    """Path below the case's folder."""

    state: str
    sends: int
    reason: str


@dataclass(frozen=True)
class Study:
    """The last revision of a study as the gateway has it; nothing names the patient."""

    number: int
    study_uid: str
    revision: int
    state: str
    since: str
    """ISO 8601, UTC."""

    reason: str
    priority: str
    """`urgent` or `routine`."""

    instances: int
    """As all that follows: 0 or empty in a list of studies."""

    attempts: int
    series_uid: str
    analysed_at: str
    engine: str
    rule: str
    deliveries: tuple[StudyDelivery, ...]
    history: tuple[StudyEntry, ...]
    fetches: tuple[StudyEntry, ...]
    head: HistoryHead


@dataclass(frozen=True)
class StudyChange:
    """One change of one study's state, as it was written down."""

    entry: int
    """In the chain of changes; a later watch goes on after it."""

    at: str
    number: int
    study_uid: str
    revision: int
    was: str
    """Empty for a study that is new."""

    state: str
    reason: str
    digest: str
    """Of the chain with this entry, SHA-256, hexadecimal."""


@dataclass(frozen=True)
class StudyResults:
    """A study and the files of its results."""

    study: Study
    artefacts: tuple[Artefact, ...]

    def save(self, folder: Path) -> None:
        """Write every file below `folder`; raises `ValueError` when a name would lead out of it."""
        save_case(self.artefacts, folder)


class Fetching:
    """What has come of a study's results so far."""

    def __init__(self) -> None:
        self._study: Study | None = None
        self._artefacts: list[Artefact] = []
        self._pending = bytearray()

    def take(self, message: studies_pb2.FetchResultsResponse) -> None:
        """Take note of one message; kinds of a newer contract are passed over."""
        kind = message.WhichOneof("part")
        if kind == "study":
            self._study = to_study(message.study)
        elif kind == "artefact":
            chunk = message.artefact
            self._pending += chunk.data
            if chunk.last:
                self._artefacts.append(Artefact(chunk.name, chunk.media_type, bytes(self._pending)))
                self._pending.clear()

    def results(self) -> StudyResults:
        """Return all of it; raises `ServerFault` when it ended too early."""
        if self._study is None or self._pending:
            raise errors.ServerFault("the results ended before they were complete", "incomplete_answer")
        return StudyResults(self._study, tuple(self._artefacts))


def to_study(message: studies_pb2.Study) -> Study:
    """Return a study as a value."""
    return Study(
        number=message.number,
        study_uid=message.study_instance_uid,
        revision=message.revision,
        state=message.state,
        since=message.since,
        reason=message.reason,
        priority=message.priority,
        instances=message.instances,
        attempts=message.attempts,
        series_uid=message.series_instance_uid,
        analysed_at=message.analysed_at,
        engine=message.engine,
        rule=message.rule,
        deliveries=tuple(
            StudyDelivery(each.destination, each.object, each.state, each.sends, each.reason)
            for each in message.deliveries
        ),
        history=tuple(StudyEntry(each.at, each.state, each.reason) for each in message.history),
        fetches=tuple(StudyEntry(each.at, each.state, each.reason) for each in message.fetches),
        head=HistoryHead(message.head.entry, message.head.digest),
    )


def to_change(message: studies_pb2.StudyChange) -> StudyChange:
    """Return a change as a value."""
    return StudyChange(
        message.entry,
        message.at,
        message.number,
        message.study_instance_uid,
        message.revision,
        message.was,
        message.state,
        message.reason,
        message.digest,
    )


def list_request(states: Sequence[str], limit: int) -> studies_pb2.ListStudiesRequest:
    """Return the request for the last studies in some states."""
    return studies_pb2.ListStudiesRequest(states=list(states), limit=limit)


def watch_request(study: str | None, after_entry: int | None) -> studies_pb2.WatchStudiesRequest:
    """Return the request for changes of one study or all, after an entry of the chain or from the usual beginning."""
    return studies_pb2.WatchStudiesRequest(study=study, after_entry=after_entry)


def credentials(token: str | None) -> tuple[tuple[str, str], ...]:
    """Return the metadata that shows a token."""
    return () if token is None else (("authorization", f"Bearer {token}"),)


_KINDS: Final[dict[str, type[errors.SidewallClientError]]] = {
    "not_known": errors.NotAllowed,
    "not_allowed": errors.NotAllowed,
    "no_such_study": errors.NotFound,
    "no_results": errors.NotFound,
    "wrong_state": errors.WrongState,
}


def translate_studies(error: Any, peer: Peer) -> errors.SidewallClientError:
    """Return our error for a gRPC status of a gateway."""
    found = {entry[0]: entry[1] for entry in error.trailing_metadata() or ()}
    code = str(found.get("sidewall-code", ""))
    if code in _KINDS:
        return take_details(_KINDS[code](error.details() or code, code), error)
    return translate(error, peer, "")
