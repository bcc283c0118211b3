"""Structured log to the standard error: one JSON object per line, no patient data at any level."""

import logging
import sys
import traceback
import warnings
from collections.abc import Iterable
from typing import Final

import structlog

from base.errors import SidewallError
from base.exit_status import exit_status
from base.processors import processors
from base.wording import WARNING

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_PROCESSORS: Final[list[structlog.typing.Processor]] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.JSONRenderer(),
]


def configure_log(level: str) -> None:
    """Set up the process's log from `level` (debug, info, warning, error) on."""
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=_standard_error,
        cache_logger_on_first_use=False,
    )
    _silence_libraries()


def _standard_error(*_: object) -> structlog.PrintLogger:
    """Return what writes to the standard error as it is now; structlog's own choice is the standard output."""
    return structlog.PrintLogger(sys.stderr)


def _silence_libraries() -> None:
    """Keep the texts of libraries' warnings and log entries, which may name the patient, from the standard error.

    What comes through `logging` leaves its place in our log instead, at the level debug; Python warnings are dropped.
    """
    warnings.simplefilter("ignore")
    logging.getLogger().handlers = [_PlaceOnly()]


def where(error: BaseException) -> list[str]:
    """Return an unexpected error's stack as file:line:function, without its text, which could hold patient data."""
    return [f"{frame.filename}:{frame.lineno}:{frame.name}" for frame in traceback.extract_tb(error.__traceback__)]


def log_threads(setting: int) -> None:
    """Log how many threads an analysis takes, and what leaves that many."""
    found = processors()
    _log.info(
        "threads", threads=found.threads(setting), processors=found.machine, affinity=found.affinity, quota=found.quota
    )


def log_failure(error: SidewallError) -> None:
    """Log why the process ends, whatever `log_level` is and also before the log is set up."""
    last: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
    )
    last.error("failed", code=error.code, what=str(error), exit_status=exit_status(error))


def log_engine(text: str) -> None:
    """Log what happens to a compiled fold: that it is made, or made anew, and why; or that it cannot be kept."""
    _log_with_warnings("engine", text)


def log_bundle(text: str) -> None:
    """Log what a registry gave, or that it gave nothing and an earlier bundle is taken."""
    _log_with_warnings("bundle", text)


def log_exposure(notes: Iterable[str]) -> None:
    """Log what every user of the machine may do with files that decide whom is believed, though it refuses nothing."""
    for note in notes:
        _log.warning("permissions", what=note)


def _log_with_warnings(event: str, text: str) -> None:
    if text.startswith(WARNING):
        _log.warning(event, what=text.removeprefix(WARNING))
    else:
        _log.info(event, what=text)


class _PlaceOnly(logging.Handler):
    """Tells which line of which library had something to say, and how grave it is, but not what."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the place of a record."""
        _log.debug(
            "library message", library=record.name, gravity=record.levelname, at=f"{record.pathname}:{record.lineno}"
        )
