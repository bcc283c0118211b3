"""The engines that may be asked: which of them is the least loaded, and which must be left alone for a while."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import sidewall
import structlog

from gateway.site.parts import EngineAddress, Gates, Mode

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


@dataclass
class Engine:
    """One engine, and what is known of it."""

    address: EngineAddress
    client: sidewall.AsyncClient
    running: int = 0
    """Cases that it has of us."""

    failures: int = 0
    """Times in a row that it was busy or absent."""

    not_before_s: float = 0.0
    """When it may be asked again, by the monotonic clock."""

    bundle: str = ""
    """Digest of the bundle of its last answer; empty before the first."""

    fault: str = ""
    """Why it did not take a case the last time; empty when it did."""

    used: int = field(default=0)
    """Cases so far: the least used goes first among those that are equally loaded."""

    def is_free(self) -> bool:
        """Return whether a case may be sent to it now."""
        return self.running < self.address.parallel and time.monotonic() >= self.not_before_s


class EnginePool:
    """All engines of the site; of one event loop."""

    def __init__(self) -> None:
        self._engines: dict[EngineAddress, Engine] = {}

    @property
    def engines(self) -> tuple[Engine, ...]:
        """Return the engines as they are now."""
        return tuple(self._engines.values())

    async def take_up(self, addresses: Sequence[EngineAddress]) -> None:
        """Use these engines from now on; one that is gone from the site's file finishes what it has."""
        for address in addresses:
            if address not in self._engines:
                self._engines[address] = Engine(address, sidewall.AsyncClient(address.address, tls=_tls(address)))
        for address in [each for each in self._engines if each not in addresses and not self._engines[each].running]:
            await self._engines.pop(address).client.close()

    async def close(self) -> None:
        """Close every connection; running calls are cancelled."""
        for engine in self._engines.values():
            await engine.client.close()

    def free(self, mode: Mode | None = None, gates: Gates | None = None) -> Engine | None:
        """Return the least loaded engine that may be asked, of that mode and those gates; None when there is none."""
        fit = [each for each in self._engines.values() if each.is_free() and is_fit(each.address, mode, gates)]
        return min(fit, key=lambda each: (each.running / each.address.parallel, each.used), default=None)

    def has(self, mode: Mode | None, gates: Gates | None) -> bool:
        """Return whether there is such an engine at all, busy or not."""
        return any(is_fit(each.address, mode, gates) for each in self._engines.values())


def is_fit(address: EngineAddress, mode: Mode | None, gates: Gates | None) -> bool:
    """Return whether an engine is of a mode and of gates; None takes any."""
    return mode in (None, address.mode) and gates in (None, address.gates)


def note_refusal(engine: Engine, reason: str) -> None:
    """Leave an engine that was busy or absent alone: twice as long each time, with jitter, so that gateways do not ask
    in step.
    """
    engine.failures += 1
    pause_s = min(_FIRST_PAUSE_S * 2 ** min(engine.failures - 1, 10), _LONGEST_PAUSE_S)
    engine.not_before_s = time.monotonic() + pause_s * random.uniform(0.5, 1.0)
    if engine.fault != reason:
        _log.warning("engine does not take cases", engine=engine.address.address, reason=reason)
    engine.fault = reason


def note_answer(engine: Engine, bundle: str) -> None:
    """Take note that an engine has answered."""
    engine.failures, engine.not_before_s, engine.fault = 0, 0.0, ""
    engine.used += 1
    engine.bundle = bundle or engine.bundle


def _tls(address: EngineAddress) -> sidewall.TlsOptions | None:
    if address.ca_file is None:
        return None
    return sidewall.TlsOptions(address.ca_file, address.certificate_file, address.key_file)
