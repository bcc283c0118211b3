"""Whether the places that a server writes to can still be written: told in log, metrics and health, and nothing ends.

The model is in memory, and results go to their callers: a full disk costs the next start its compiled folds or its
bundle, or the log its lines, but no case. So the server goes on, and says so before anybody needs the disk.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog

from base.errors import PermissionLacking, ReadOnlyStorage, SystemFailed
from base.storage import write_trial
from base.streams import lost_log_lines
from base.system_errors import system_error

STORAGE_SERVICE: Final = "sidewall.storage"
"""In health (grpc.health.v1): whether every place can be written."""

LOG: Final = "log"
"""The standard error, as the place of the log."""

EVERY_S: Final = 10.0
_TRIAL_BYTES: Final = 4096
MEANT: Final = (ReadOnlyStorage, PermissionLacking)
"""What a place may be from the start on purpose: engines compiled ahead, a store that another machine fills."""

Tell = Callable[[str, bool], None]
"""Takes a place, and whether it can be written, at every look."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class StorageWatch:
    """Looks after places by name; those that cannot be written from the start on purpose are left out."""

    def __init__(self, places: Mapping[str, Path], tell: Tell) -> None:
        self._places = {name: place for name, place in places.items() if not isinstance(storage_failure(place), MEANT)}
        self._tell = tell
        self._failing: dict[str, str] = {}
        """Code of what is wrong, by place."""

    def look(self) -> None:
        """Try every place once, log what has changed, and tell the state of each."""
        failures = {name: storage_failure(place) for name, place in self._places.items()}
        lost = lost_log_lines()
        failures[LOG] = None if lost is None else system_error(lost, "the log")
        for name, failure in failures.items():
            code = None if failure is None else failure.code
            if failure is not None and code != self._failing.get(name):
                _log.warning("storage", place=name, code=code, what=str(failure))
            elif failure is None and name in self._failing:
                _log.info("storage", place=name, what="it can be written again")
            self._tell(name, failure is None)
        self._failing = {name: failure.code for name, failure in failures.items() if failure is not None}


@contextmanager
def storage_watched(places: Mapping[str, Path], tell: Tell) -> Iterator[None]:
    """Look every few seconds while the context is open."""
    watch, ended = StorageWatch(places, tell), threading.Event()

    def look_on() -> None:
        """Look until the end; a disk that hangs holds up nobody else."""
        while not ended.wait(EVERY_S):
            watch.look()

    threading.Thread(target=look_on, name="storage", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def storage_failure(place: Path) -> SystemFailed | None:
    """Return why a place cannot be written, None when it can."""
    try:
        write_trial(place, _TRIAL_BYTES)
    except OSError as error:
        return system_error(error, str(place))
    return None
