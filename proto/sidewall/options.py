"""What a caller may say about a case, held against what is allowed before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from sidewall.convert import fill_message, findings_to_message, known_part
from sidewall.errors import RefusalReason
from sidewall.findings_check import FindingsInvalid, check_findings
from sidewall.json_schema import shown
from sidewall.v1 import analysis_pb2, findings_pb2

Source = str | Path | bytes
"""A folder, zip file or file, or the bytes of an instance."""


@dataclass(frozen=True)
class CaseOptions:
    """What the caller may say about a case."""

    case_id: str | None = None
    """The caller's own name for the case; None lets the server make a pseudonym."""

    time_point: Literal["baseline", "restaging", "unknown"] = "unknown"
    prior_case_id: str | None = None
    prior: Mapping[str, Any] | None = None
    """Findings (JSON form) of an earlier study of the same patient, to compare with."""

    prior_images: Source | Iterable[Source] | None = None
    """Images of that study: analysed by the server as these are, so that like is compared with like, and drawn beside
    them. With DICOM alone, not with voxels; a server that does not know them refuses the call.
    """

    prior_report: bytes | None = None
    """report.dcm of that study, whose UID the comparison names."""

    earlier_report: bytes | None = None
    """report.dcm of an earlier analysis of the same study, which the new one supersedes if anything has changed."""

    analysed_at: str | None = None
    """ISO 8601 with its zone: the time that the results say; None takes the present. A call that is repeated with the
    same time, by the same engine, gives the same bytes.
    """

    refusal: tuple[RefusalReason, ...] = ()
    """Why the caller chose none of a study's series; one instance of each is sent, and the refusal comes back with the
    report that says so.
    """

    priority: Literal["routine", "urgent"] = "routine"
    """Who goes first among those that wait at the server; nothing in the result depends on it."""

    artefacts: tuple[str, ...] | None = None
    """Files that are to come, by name, or by folder with a slash at the end (`captures/`); None for all. Others can be
    had by job for some minutes (`Client.fetch_artefact`); a server older than this sends all.
    """

    taken_series_numbers: tuple[int, ...] = ()
    """Series numbers of the study's other series, where only one is sent: those of the results get others."""

    is_self_test: bool = False
    """Whether a site sends a phantom through its own path: analysed as every case, not counted in metrics."""

    def to_message(self) -> analysis_pb2.CaseOptions:
        """Return the wire form; raises `ValueError` naming the option whose value is not allowed."""
        for name, (fits, allowed) in _ALLOWED.items():
            value = getattr(self, name)
            if value is not None and not fits(value):
                raise ValueError(f"{name} is {shown(value)}; allowed: {allowed}")
        message = analysis_pb2.CaseOptions()
        context = {"time_point": self.time_point, "prior_case_id": self.prior_case_id}
        fill_message(message, {"case_id": self.case_id, "context": context})
        if self.prior is not None:
            message.prior.CopyFrom(_earlier_findings(self.prior))
        if self.earlier_report is not None:
            message.earlier_report = self.earlier_report
        if self.prior_report is not None:
            message.prior_report = self.prior_report
        if self.analysed_at is not None:
            message.analysed_at = self.analysed_at
        if self.priority == "urgent":
            message.priority = analysis_pb2.PRIORITY_URGENT
        if self.artefacts is not None:
            message.artefacts.SetInParent()
            message.artefacts.names.extend(self.artefacts)
        message.taken_series_numbers.extend(self.taken_series_numbers)
        message.is_self_test = self.is_self_test
        for reason in self.refusal:
            message.refusal.add(code=reason.code, message=reason.message)
        return message


def _earlier_findings(findings: Mapping[str, Any]) -> findings_pb2.Findings:
    """Return the wire form of findings of any 1.x; what a later version added is passed over."""
    try:
        check_findings(findings)
    except FindingsInvalid as error:
        raise ValueError(f"prior: {error}") from None
    return findings_to_message(known_part(findings_pb2.Findings.DESCRIPTOR, findings))


def _is_time(text: Any) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


_ALLOWED: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "case_id": (lambda value: isinstance(value, str), "text"),
    "time_point": (lambda value: value in ("baseline", "restaging", "unknown"), "baseline, restaging or unknown"),
    "prior_case_id": (lambda value: isinstance(value, str), "text"),
    "prior": (lambda value: isinstance(value, Mapping), "findings in JSON form"),
    "earlier_report": (lambda value: isinstance(value, bytes), "the bytes of report.dcm"),
    "prior_images": (
        lambda value: isinstance(value, str | bytes | Path) or (isinstance(value, Iterable) and bool(value)),
        "a folder, zip file or file, its bytes, or a list of these",
    ),
    "prior_report": (lambda value: isinstance(value, bytes), "the bytes of report.dcm"),
    "analysed_at": (_is_time, "ISO 8601 with its zone"),
    "priority": (lambda value: value in ("routine", "urgent"), "routine or urgent"),
    "artefacts": (
        lambda value: (
            isinstance(value, tuple | list)
            and len(value) <= 100
            and all(isinstance(each, str) and 0 < len(each) <= 200 for each in value)
        ),
        "at most 100 names of 1 to 200 characters",
    ),
    "taken_series_numbers": (
        lambda value: (
            isinstance(value, tuple | list)
            and len(value) <= 10_000
            and all(type(each) is int and 0 <= each < 2**31 for each in value)
        ),
        "at most 10000 whole numbers from 0 to 2147483647",
    ),
    "is_self_test": (lambda value: isinstance(value, bool), "True or False"),
    "refusal": (
        lambda value: isinstance(value, tuple | list) and all(isinstance(each, RefusalReason) for each in value),
        "reasons",
    ),
}
