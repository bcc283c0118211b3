"""With which gRPC status a call ends after each error, keyed by its code; 16 words and no more are on the wire."""

from collections.abc import Mapping
from typing import Final

import grpc

from base.errors import SidewallError, entry_of

GRPC_STATUSES: Final[Mapping[str, grpc.StatusCode]] = {
    "internal_error": grpc.StatusCode.INTERNAL,
    "setting_invalid": grpc.StatusCode.INVALID_ARGUMENT,
    "refused": grpc.StatusCode.INVALID_ARGUMENT,
    "bundle_rejected": grpc.StatusCode.FAILED_PRECONDITION,
    "backend_unavailable": grpc.StatusCode.FAILED_PRECONDITION,
    "server_busy": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "registry_failed": grpc.StatusCode.UNAVAILABLE,
    "server_unreachable": grpc.StatusCode.UNAVAILABLE,
    "system_failed": grpc.StatusCode.UNAVAILABLE,
    "cancelled": grpc.StatusCode.CANCELLED,
    "no_results": grpc.StatusCode.NOT_FOUND,
    "offset_invalid": grpc.StatusCode.OUT_OF_RANGE,
    "answer_not_read": grpc.StatusCode.CANCELLED,
}
"""Code -> status; a code that is not here has that of the kind it belongs to."""


def grpc_status(error: SidewallError) -> grpc.StatusCode:
    """Return the status of the call that an error ends."""
    return entry_of(error, GRPC_STATUSES)
