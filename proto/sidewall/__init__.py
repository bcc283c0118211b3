"""Client of the Sidewall appliance: lateral pelvic lymph nodes in rectal cancer, over gRPC (research use only)."""

from sidewall.artefacts import Artefact
from sidewall.client import Client, Progress, Result, TlsOptions
from sidewall.errors import (
    Cancelled,
    DeadlineExceeded,
    RefusalReason,
    Refused,
    ServerBusy,
    ServerFault,
    ServerUnreachable,
    SidewallClientError,
)
from sidewall.transfer import CaseOptions, Geometry

__all__ = [
    "Artefact",
    "Cancelled",
    "CaseOptions",
    "Client",
    "DeadlineExceeded",
    "Geometry",
    "Progress",
    "RefusalReason",
    "Refused",
    "Result",
    "ServerBusy",
    "ServerFault",
    "ServerUnreachable",
    "SidewallClientError",
    "TlsOptions",
]
