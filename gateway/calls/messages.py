"""From what the gateway tells (`gateway.overview`) to the messages of the contract."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sidewall.v1 import analysis_pb2, studies_pb2

from gateway.calls.changes import Change
from gateway.clock import iso_time

_CHUNK: Final = 1 << 20
_MEDIA_TYPES: Final = {
    ".dcm": "application/dicom",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".html": "text/html",
    ".png": "image/png",
}


def study_message(shown: Mapping[str, Any], head: Mapping[str, Any] | None = None) -> studies_pb2.Study:
    """Return a study, as it is shown alone or in a list."""
    message = studies_pb2.Study(
        number=shown["id"],
        study_instance_uid=shown["study_uid"],
        revision=shown["revision"],
        state=shown["state"],
        since=shown["since"],
        reason=shown["reason"],
        priority=shown["priority"],
        instances=shown.get("instances", 0),
        attempts=shown.get("attempts", 0),
        series_instance_uid=shown.get("series_uid", ""),
        analysed_at=shown.get("analysed_at", ""),
        engine=shown.get("engine", ""),
        rule=shown.get("rule", ""),
        deliveries=[
            studies_pb2.StudyDelivery(
                destination=each["destination"],
                object=each["object"],
                state=each["state"],
                sends=each["sends"],
                reason=each["reason"],
                state_code=_number(studies_pb2.DeliveryState, each["state"]),
            )
            for each in shown.get("deliveries", ())
        ],
        history=map(_entry, shown.get("history", ())),
        fetches=map(_entry, shown.get("fetches", ())),
        head=None if head is None else head_message(head),
        state_code=_number(studies_pb2.StudyState, shown["state"]),
        priority_code=_number(analysis_pb2.Priority, shown["priority"]),
    )
    _set_time(message.since_time, message.since)
    _set_time(message.analysed_time, message.analysed_at)
    return message


def _entry(shown: Mapping[str, Any]) -> studies_pb2.StudyEntry:
    entry = studies_pb2.StudyEntry(**shown, state_code=_number(studies_pb2.StudyState, shown["state"]))
    _set_time(entry.time, entry.at)
    return entry


def _number(enum: Any, word: str) -> Any:
    """Return the number of a word that the contract also has as an enum; 0 for one that it does not know."""
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    return dict(enum.items()).get(f"{prefix}{word.upper()}", 0)


def _set_time(target: Any, text: str) -> None:
    """Fill a timestamp from ISO 8601; an empty text leaves it unset."""
    if text:
        target.FromDatetime(datetime.fromisoformat(text).astimezone(UTC))


def head_message(head: Mapping[str, Any]) -> studies_pb2.HistoryHead:
    """Return the end of the chain of changes."""
    return studies_pb2.HistoryHead(entry=head["seq"], digest=head["digest"])


def change_message(change: Change) -> studies_pb2.StudyChange:
    """Return one change of a study's state."""
    message = studies_pb2.StudyChange(
        entry=change.entry.seq,
        at=iso_time(change.entry.at),
        number=change.number,
        study_instance_uid=change.study_uid,
        revision=change.revision,
        was=change.entry.was,
        state=change.entry.becomes,
        reason=change.entry.reason,
        digest=change.digest,
        was_code=_number(studies_pb2.StudyState, change.entry.was),
        state_code=_number(studies_pb2.StudyState, change.entry.becomes),
    )
    _set_time(message.time, message.at)
    return message


def file_messages(name: str, file: Path) -> Iterator[studies_pb2.FetchResultsResponse]:
    """Yield a file in chunks; raises `OSError`."""
    media_type = _MEDIA_TYPES.get(file.suffix, "application/octet-stream")
    with file.open("rb") as stream:
        data = stream.read(_CHUNK)
        while True:
            following = stream.read(_CHUNK)
            chunk = analysis_pb2.ArtefactChunk(name=name, media_type=media_type, data=data, last=not following)
            yield studies_pb2.FetchResultsResponse(artefact=chunk)
            if not following:
                return
            data = following
