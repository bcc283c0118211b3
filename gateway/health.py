"""Whether the gateway takes instances, told on this machine alone (grpc.health.v1), and asked there."""

from collections.abc import Callable
from typing import Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from sidewall.peer import proxy_options

from base.errors import ServerUnreachable, SettingInvalid
from base.local_health import LocalHealth, local_address

_STATUS: Final = {
    True: health_pb2.HealthCheckResponse.SERVING,
    False: health_pb2.HealthCheckResponse.NOT_SERVING,
}
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class OwnHealth:
    """Answers whoever asks on this machine; needs no certificate, and no port that other machines reach."""

    def __init__(self, fault: Callable[[], str | None]) -> None:
        """`fault` returns why the gateway takes no instances, None when it does."""
        self._fault, self._told = fault, ""
        self._servicer = health.HealthServicer()
        self._local = LocalHealth(self._servicer)

    def start(self, listen: str) -> None:
        """Answer for the gateway that listens at host:port; raises `AddressUnavailable` when another one does."""
        self.look()
        self._local.start(listen)

    def look(self) -> None:
        """Look again, and tell in the log what has changed."""
        fault = self._fault()
        self._servicer.set("", _STATUS[fault is None])
        if (fault is None) != (self._told == ""):
            (_log.info if fault is None else _log.warning)("ready again" if fault is None else "not ready", what=fault)
        self._told = fault or ""

    def stop(self) -> None:
        """Answer nothing more."""
        self._local.stop()


def require_ready(listen: str, timeout_s: float) -> None:
    """Return when this machine's gateway, which listens at host:port, takes instances.

    Raises `ServerUnreachable` when it does not, or does not answer in time, and `SettingInvalid` without its port.
    """
    if listen.endswith(":0"):
        raise SettingInvalid("listen", listen, "host:port with the port that the gateway took")
    with grpc.insecure_channel(local_address(listen), options=proxy_options(None)) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.RpcError as error:
            raise ServerUnreachable(f"no gateway answers for {listen} ({error.code().name.lower()})") from None
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise ServerUnreachable(f"the gateway at {listen} takes nothing now: its log has why, as `not ready`")
