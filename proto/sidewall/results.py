"""What a server tells beside analyses, whichever client asked: what it is, and results of cases that have ended."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidewall import errors
from sidewall.artefacts import Artefact
from sidewall.convert import findings_to_dict, message_to_dict
from sidewall.v1 import analysis_pb2


@dataclass(frozen=True)
class ListedFile:
    """One file of a result, whether it came with the answer or not."""

    name: str
    """Path below the case's folder, with forward slashes."""

    media_type: str
    size_bytes: int
    sha256: str
    """Of its content, 64 hexadecimal digits."""

    is_sent: bool
    """Whether it came with the answer."""


@dataclass(frozen=True)
class EndedCase:
    """The findings of a case that has ended, a refused one too, and which files it has."""

    findings: Mapping[str, Any]
    """In the form of findings.json."""

    files: tuple[ListedFile, ...]
    kept_s: float
    """For how long after its end the server keeps it, s."""


@dataclass(frozen=True)
class ServerInfo:
    """What a server is."""

    software_version: str
    contract: str
    """Such as sidewall.v1."""

    findings_version: str
    """schema_version of the findings that it writes."""

    limits: Mapping[str, float]
    """By the names of `ServerLimits` in the contract: bytes, numbers, seconds."""

    model: Mapping[str, Any] | None
    """As `model` in findings; None while it is loading."""

    backends: Mapping[str, bool]
    """Every backend by its name, and whether it can be used there."""

    labels: Mapping[str, int]
    """Name -> value in the bundle's label maps."""

    rules: Mapping[str, Any] | None
    """The rule set with its thresholds; None while the model is loading."""

    running: int
    waiting: int
    wait_s: float | None
    """Estimate until a case that comes now is begun, s; None before the server has done one."""


def to_server_info(message: analysis_pb2.GetServerInfoResponse) -> ServerInfo:
    """Return what a server said of itself."""
    said = message_to_dict(message)
    load = said["load"] or {"running": 0, "urgent_waiting": 0, "routine_waiting": 0, "wait_s": None}
    return ServerInfo(
        software_version=message.software_version,
        contract=message.contract,
        findings_version=message.findings_version,
        limits=said["limits"] or {},
        model=said["model"],
        backends={each.name: each.is_present for each in message.backends},
        labels={each.name: each.value for each in message.labels},
        rules=said["rules"],
        running=load["running"],
        waiting=load["urgent_waiting"] + load["routine_waiting"],
        wait_s=load["wait_s"],
    )


def to_files(message: analysis_pb2.ArtefactList) -> tuple[ListedFile, ...]:
    """Return the files of a result."""
    return tuple(
        ListedFile(each.name, each.media_type, each.size_bytes, each.sha256, each.is_sent) for each in message.entries
    )


def to_ended_case(message: analysis_pb2.GetResultResponse) -> EndedCase:
    """Return a case that has ended."""
    kept = message.artefact_list.kept
    return EndedCase(
        findings_to_dict(message.findings), to_files(message.artefact_list), kept.ToTimedelta().total_seconds()
    )


class Assembling:
    """One file that comes in chunks; where they break off, others go on from `offset`."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._sha256 = ""
        self._last: analysis_pb2.ArtefactChunk | None = None

    @property
    def offset(self) -> int:
        """Bytes that have come."""
        return len(self._data)

    @property
    def is_begun(self) -> bool:
        """Whether a chunk has come, and not the last."""
        return self._last is not None and not self._last.last

    def take(self, chunk: analysis_pb2.ArtefactChunk) -> Artefact | None:
        """Take the next chunk, and return the file with its last; raises `ServerFault` on one that did not come whole.

        A server older than digests sends none, and is believed.
        """
        self._sha256 = chunk.sha256 or self._sha256
        self._data += chunk.data
        self._last = chunk
        if not chunk.last:
            return None
        data, sha256 = bytes(self._data), self._sha256
        self._data.clear()
        self._sha256 = ""
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise errors.ServerFault(f"{chunk.name} did not come whole: its digest is another", "incomplete_answer")
        return Artefact(chunk.name, chunk.media_type, data)
