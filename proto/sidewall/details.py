"""What a failed call says to programs beside its text (google.rpc.Status, AIP-193)."""

from __future__ import annotations

from typing import Any

from google.rpc import error_details_pb2
from grpc_status import rpc_status

from sidewall.errors import SidewallClientError


def take_details(failure: SidewallClientError, error: Any) -> SidewallClientError:
    """Return the failure with the field, what is allowed, the reasons and the delay that the gRPC error carries."""
    for detail in _details(error):
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            failure.field = info.metadata.get("field")
            failure.allowed = info.metadata.get("allowed")
        elif detail.Unpack(retry):
            failure.retry_after_s = retry.retry_delay.ToTimedelta().total_seconds()
    return failure


def _details(error: Any) -> Any:
    try:
        told = rpc_status.from_call(error)
    except ValueError:
        # Status and text are others than those of the details: something on the way has changed them.
        return ()
    return () if told is None else told.details
