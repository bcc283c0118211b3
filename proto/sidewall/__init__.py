"""Client of the Sidewall appliance: lateral pelvic lymph nodes in rectal cancer, over gRPC (research use only)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
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
    from sidewall.findings_check import FindingsInvalid
    from sidewall.transfer import CaseOptions, Geometry

__all__ = [
    "Artefact",
    "AsyncClient",
    "Cancelled",
    "CaseOptions",
    "Client",
    "DeadlineExceeded",
    "FindingsInvalid",
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

_HOMES: Final = {
    "Artefact": "artefacts",
    "AsyncClient": "async_client",
    "CaseOptions": "transfer",
    "Client": "client",
    "FindingsInvalid": "findings_check",
    "Geometry": "transfer",
    "Progress": "answer",
    "Result": "answer",
    "TlsOptions": "channel",
}
"""Where each name lives; all others are errors."""


def __getattr__(name: str) -> Any:
    """Load what is asked for: whoever wants the vocabulary alone needs no gRPC."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
