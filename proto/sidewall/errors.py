"""What can go wrong with a call; every class has the server's stable word in `code`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidewall.artefacts import Artefact


@dataclass(frozen=True)
class RefusalReason:
    """One reason why a case was not analysed."""

    code: str
    """A stable word, such as `missing_slice`."""

    message: str
    """What was got and what is allowed; no patient data."""


class SidewallClientError(Exception):
    """Base of every failure of a call."""

    def __init__(self, message: str, code: str) -> None:
        self.code = code
        self.job_id = ""
        """Of the call, once the server had taken it: what has ended can be had by it for some minutes."""
        self.field: str | None = None
        """The option or field that the server does not allow; None where it names none, or is older than that."""
        self.allowed: str | None = None
        """What it may be."""
        self.retry_after_s: float | None = None
        """When the same call may be made again, s; None where the server does not say that it may."""
        super().__init__(message)


class Refused(SidewallClientError):
    """The server cannot analyse this input; carries every reason."""

    def __init__(
        self,
        reasons: tuple[RefusalReason, ...],
        findings: Mapping[str, Any] | None,
        artefacts: tuple[Artefact, ...] = (),
    ) -> None:
        self.reasons = reasons
        self.findings = findings
        """In the form of findings.json with the status `refused`; None when the transfer itself was at fault."""
        self.artefacts = artefacts
        """The files that say so, a report for the PACS among them where the patient is known."""
        super().__init__("; ".join(f"{reason.code}: {reason.message}" for reason in reasons), "refused")


class OptionInvalid(SidewallClientError, ValueError):
    """The server does not allow an option of the call; `field` names it, `allowed` says what may be."""


class ServerBusy(SidewallClientError):
    """The server has as much work as it admits; try again after `retry_after_s`."""


class ServerUnreachable(SidewallClientError):
    """No server answered, or it is still loading its model, or it is shutting down."""


class DeadlineExceeded(SidewallClientError):
    """The time given to the call has passed; the server stopped the work."""


class Cancelled(SidewallClientError):
    """The call was cancelled; the server stopped the work."""


class ServerFault(SidewallClientError):
    """The server failed, or answered with something that this client does not understand."""


class NotAllowed(SidewallClientError):
    """The gateway's site file does not name this caller (`not_known`), or does not let it do that (`not_allowed`)."""


class NotFound(SidewallClientError):
    """The gateway has no such study (`no_such_study`), or it or the server no such results (`no_results`)."""


class WrongState(SidewallClientError):
    """The state of the study does not allow that; the text says which states do."""
