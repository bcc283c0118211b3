"""How a call over gRPC ends with one of our errors: for people a text, for programs a google.rpc.Status beside it.

As Google's API guidelines have it (AIP-193): the trailing metadata hold an ErrorInfo with our code and what it is
about, and a RetryInfo where the same call may do later. Our stable word stands in `sidewall-code` as well, for whoever
reads no protocol buffers there.
"""

from collections.abc import Mapping
from typing import Final, NoReturn

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from base.errors import SettingInvalid, SidewallError

DOMAIN: Final = "sidewall.v1"
"""Whose reasons an ErrorInfo has: those of this contract."""

_MOST_CHARACTERS: Final = 1500
"""Of a text: trailing metadata have 8 KiB in all, and hold it twice."""


def abort_call(
    context: grpc.ServicerContext,
    status: grpc.StatusCode,
    error: SidewallError,
    text: str,
    *,
    about: Mapping[str, str] | None = None,
    retry_after_s: float | None = None,
) -> NoReturn:
    """End a call with a status, `text`, and the error's code; `about` joins what is said of it for programs.

    `retry_after_s` is when the same call may be made again, s; None where nothing says that it may.
    """
    text = text[:_MOST_CHARACTERS]
    told = status_pb2.Status(code=status.value[0], message=text)
    told.details.add().Pack(error_details_pb2.ErrorInfo(
        reason=error.code.upper(), domain=DOMAIN, metadata={"code": error.code, **_place(error), **(about or {})}
    ))  # fmt: skip
    if retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(1000 * retry_after_s))
        told.details.add().Pack(retry)
    rich = rpc_status.to_status(told)
    context.set_trailing_metadata((("sidewall-code", error.code), *rich.trailing_metadata))
    context.abort(status, text)
    raise AssertionError("abort always raises")


def _place(error: SidewallError) -> dict[str, str]:
    """Return the field that an error is about and what it may be; its value could hold patient data: it is not said."""
    if not isinstance(error, SettingInvalid):
        return {}
    return {"field": error.name, "allowed": str(error.allowed)[:_MOST_CHARACTERS]}
