"""Client of the Sidewall appliance: lateral pelvic lymph nodes in rectal cancer, over gRPC (research use only)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sidewall.answer import Progress, Result
    from sidewall.artefacts import Artefact
    from sidewall.async_client import AsyncClient
    from sidewall.async_studies_client import AsyncStudiesClient
    from sidewall.channel import TlsOptions
    from sidewall.client import Client
    from sidewall.errors import (
        Cancelled,
        DeadlineExceeded,
        NotAllowed,
        NotFound,
        OptionInvalid,
        RefusalReason,
        Refused,
        ServerBusy,
        ServerFault,
        ServerUnreachable,
        SidewallClientError,
        WrongState,
    )
    from sidewall.findings_check import FindingsInvalid
    from sidewall.options import CaseOptions
    from sidewall.results import EndedCase, ListedFile, ServerInfo
    from sidewall.studies import Study, StudyChange, StudyResults
    from sidewall.studies_client import StudiesClient
    from sidewall.transfer import Geometry

__all__ = [
    "Artefact",
    "AsyncClient",
    "AsyncStudiesClient",
    "Cancelled",
    "CaseOptions",
    "Client",
    "DeadlineExceeded",
    "EndedCase",
    "FindingsInvalid",
    "Geometry",
    "ListedFile",
    "NotAllowed",
    "NotFound",
    "OptionInvalid",
    "Progress",
    "RefusalReason",
    "Refused",
    "Result",
    "ServerBusy",
    "ServerFault",
    "ServerInfo",
    "ServerUnreachable",
    "SidewallClientError",
    "StudiesClient",
    "Study",
    "StudyChange",
    "StudyResults",
    "TlsOptions",
    "WrongState",
]

_HOMES: Final = {
    "Artefact": "artefacts",
    "AsyncClient": "async_client",
    "AsyncStudiesClient": "async_studies_client",
    "CaseOptions": "options",
    "Client": "client",
    "EndedCase": "results",
    "FindingsInvalid": "findings_check",
    "Geometry": "transfer",
    "ListedFile": "results",
    "Progress": "answer",
    "Result": "answer",
    "ServerInfo": "results",
    "StudiesClient": "studies_client",
    "Study": "studies",
    "StudyChange": "studies",
    "StudyResults": "studies",
    "TlsOptions": "channel",
}
"""Where each name lives; all others are errors."""


def __getattr__(name: str) -> Any:
    """Load what is asked for: whoever wants the vocabulary alone needs no gRPC."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
