"""How a command ends when something goes wrong: the error's text and its exit status, and never patient data."""

import json
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from base.errors import SidewallError
from base.exit_status import exit_status
from base.system_errors import system_error
from core.errors import AnalysisCancelled, CaseRefused


@contextmanager
def reporting_errors(as_json: bool) -> Iterator[None]:
    """Turn an error into its text and exit status; one that was not expected shows its place but not its text."""
    with _told_by(lambda error: _report(error, as_json)):
        yield


@contextmanager
def reporting_service_errors() -> Iterator[None]:
    """Turn the error that ends a service into its last log entry, its exit status, and what its manager shows."""
    with _told_by(_report_service):
        yield


@contextmanager
def _told_by(tell: Callable[[SidewallError], None]) -> Iterator[None]:
    try:
        yield
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        tell(AnalysisCancelled("stopped by Ctrl-C"))
        raise typer.Exit(exit_status(AnalysisCancelled)) from None
    except Exception as error:  # noqa: BLE001 - the edge: the text could hold patient data
        failure = expected_error(error)
        tell(failure)
        raise typer.Exit(exit_status(failure)) from None


def expected_error(error: Exception) -> SidewallError:
    """Return an error of ours: itself, the system's, or a fault of the program by its place, without its text."""
    failure = error if isinstance(error, SidewallError) else system_error(error)
    if failure is not None:
        return failure
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{type(error).__name__} in {place.filename}:{place.lineno}; this is a fault of the program"
    return SidewallError(text)


def _report_service(error: SidewallError) -> None:
    from base.log import log_failure
    from base.service_manager import notify

    log_failure(error)
    # One line: a second would be another assignment (sd_notify(3)).
    notify("STATUS=" + " ".join(f"{error.code}: {error}".split()))


def _report(error: SidewallError, as_json: bool) -> None:
    reasons = error.reasons if isinstance(error, CaseRefused) else ()
    if as_json:
        details = [{"code": reason.code, "message": reason.message} for reason in reasons]
        typer.echo(json.dumps({"error": {"code": error.code, "message": str(error), "reasons": details}}, indent=2))
        return
    for code, message in [(str(reason.code), reason.message) for reason in reasons] or [(error.code, str(error))]:
        typer.secho(f"{code}: {message}", fg="red", err=True)


def silence_grpc() -> None:
    """Keep gRPC's own lines off the standard error, unless GRPC_VERBOSITY asks for them; call before it is imported.

    They tell of its insides what our errors say in plain words, and stand between the lines of the server's log, which
    is JSON.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
