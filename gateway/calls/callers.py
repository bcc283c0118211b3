"""Who makes a call, by what it shows, and whether it may."""

from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import unquote

import grpc

from gateway.limits import Rate
from gateway.site.parts import Permission, Site
from gateway.site.permitting import Known, who_calls

_NAMES: Final = ("x509_common_name", "x509_subject_alternative_name")
_BEARER: Final = "bearer "


class Gate:
    """Lets callers in that the site's file names, as often as they may; safe to share between threads."""

    def __init__(self, site: Callable[[], Site], max_calls_min: int) -> None:
        self._site, self._rate = site, Rate(max_calls_min, "calls")

    def admit(self, context: grpc.ServicerContext, permission: Permission) -> Known:
        """Return who calls; raises `NotKnown`, `NotAllowed` or `TooMany`."""
        address, names, token = shown_by(context)
        known = who_calls(self._site(), address, names, token)
        self._rate.note(known.label)
        known.require(permission)
        return known


def shown_by(context: Any) -> tuple[str, tuple[str, ...], str]:
    """Return address, names in the certificate, and token of whoever makes a call; empty for what is not shown."""
    address = unquote(context.peer()).partition(":")[2].rpartition(":")[0].strip("[]").removeprefix("::ffff:")
    shown = context.auth_context()
    names = tuple(each.decode("utf-8", "replace") for name in _NAMES for each in shown.get(name, ()))
    return address, names, _token(context.invocation_metadata())


def _token(metadata: Iterable[Any]) -> str:
    value = next((str(each[1]) for each in metadata if each[0] == "authorization"), "")
    return value[len(_BEARER) :].strip() if value.lower().startswith(_BEARER) else ""
