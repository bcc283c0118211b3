"""Client of the Sidewall appliance: lateral pelvic lymph nodes in rectal cancer, over gRPC (research use only)."""

from sidewall.answer import Progress, Result
from sidewall.artefacts import Artefact
from sidewall.async_client import AsyncClient
from sidewall.channel import TlsOptions
from sidewall.client import Client
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
    "AsyncClient",
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
