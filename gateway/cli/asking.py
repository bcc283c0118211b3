"""Commands that ask the ledger, or change what is to happen to a study."""

import getpass
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from base.errors import FileAbsent, SidewallError
from base.exit_status import exit_status
from base.log import log_failure
from base.system_errors import system_error
from gateway import acting, overview
from gateway.ledger.ledger import Ledger
from gateway.ledger.states import StudyState
from gateway.ledger.studies import StudyRow
from gateway.settings import GatewaySettings, load_settings
from gateway.spool import Spool

Config = Annotated[Path | None, typer.Option("--config", "-c", help="TOML file of settings.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Study = Annotated[str, typer.Argument(help="Number of `studies`, Study Instance UID, or Accession Number.")]


@contextmanager
def storing_at(place: Path) -> Iterator[None]:
    """Turn what the system itself refuses into our error, which names this place alone: a path could name a study."""
    try:
        yield
    except OSError as error:
        failure = system_error(error, str(place))
        if failure is None:
            raise
        raise failure from None


@contextmanager
def opened(config: Path | None, *, makes: bool = False) -> Iterator[tuple[GatewaySettings, Ledger]]:
    """Give settings and ledger; a failure that is expected ends the process with its reason.

    A ledger that is not there is made where the command `makes` one: elsewhere an empty one would hide a wrong spool.
    """
    ledger = None
    try:
        settings = load_settings(file=config)
        file = settings.ledger_file
        if not makes and file is not None and not file.exists():
            raise FileAbsent(
                "spool", str(settings.spool), f"a folder in which a gateway has started: {file.name} is there"
            )
        with storing_at(settings.spool):
            settings.spool.mkdir(parents=True, exist_ok=True)
            ledger = Ledger(settings.ledger_url, f"{settings.name}-command")
            yield settings, ledger
    except SidewallError as error:
        log_failure(error)
        raise typer.Exit(exit_status(error)) from None
    finally:
        if ledger is not None:
            ledger.close()


def tell(found: Mapping[str, Any] | Sequence[Any], said: str, as_json: bool) -> None:
    """Print an answer: as JSON, or in words."""
    typer.echo(json.dumps(found, indent=2) if as_json else said)


def status(config: Config = None, as_json: AsJson = False) -> None:
    """Show how many studies are in which state, what is queued where, and the head of the chain of changes."""
    with opened(config) as (_, ledger):
        found = overview.status(ledger)
    lines = [
        f"{state:<12}{each['count']:>8}   oldest {each['oldest_s']:g} s" for state, each in found["studies"].items()
    ]
    for to, states in found["deliveries"].items():
        said = ", ".join(f"{each['count']} {state}" for state, each in states.items())
        lines.append(f"to {to}: {said}")
    lines.append(f"history: entry {found['history']['seq']}, {found['history']['digest']}")
    tell(found, "\n".join(lines), as_json)


def studies(
    state: Annotated[list[StudyState] | None, typer.Option(help="Only studies in this state; more than once.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most studies, the last ones.")] = 50,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the last studies, newest first."""
    with opened(config) as (_, ledger):
        found = overview.listed(ledger, tuple(state or ()), limit)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for each in found:
        line = f"{each['id']:>6}  {each['state']:<11}{each['since']}  {each['study_uid']}/{each['revision']}"
        typer.echo(f"{line}  {each['reason']}")


def show(study: Study, config: Config = None, as_json: AsJson = False) -> None:
    """Show all about one study but whom it is about: state, deliveries, history, and who fetched its results."""
    with opened(config) as (_, ledger):
        found = overview.shown(ledger, study)
    tell(found, "\n".join(_lines_of(found)), as_json)


def retry(study: Study, config: Config = None, as_json: AsJson = False) -> None:
    """Have a study analysed again; one with an answer gets a report that supersedes."""
    _act(config, as_json, lambda ledger: acting.retry(ledger, study, _by()))


def cancel(study: Study, config: Config = None, as_json: AsJson = False) -> None:
    """End a study that has no answer yet."""
    _act(config, as_json, lambda ledger: acting.cancel(ledger, study, _by()))


def hold(study: Study, config: Config = None, as_json: AsJson = False) -> None:
    """Let nothing happen to a study, and nothing of it leave."""
    _act(config, as_json, lambda ledger: acting.hold(ledger, study, _by()))


def release(study: Study, config: Config = None, as_json: AsJson = False) -> None:
    """Let a held study go on."""
    _act(config, as_json, lambda ledger: acting.release(ledger, study, _by()))


def redeliver(
    study: Study,
    destination: Annotated[str | None, typer.Option(help="Only to this one.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Send again what was refused or given up."""
    with opened(config) as (_, ledger):
        count = acting.redeliver(ledger, study, _by(), destination)
    tell({"queued": count}, f"{count} objects queued", as_json)


def retract(study: Study, config: Config = None, as_json: AsJson = False) -> None:
    """Take results back: stop what has not left, send a rejection note about what has."""
    with opened(config) as (settings, ledger):
        spool = Spool(settings.spool, f"{settings.name}-command")
        try:
            stopped, noted = acting.retract(ledger, spool, study, _by())
        finally:
            spool.close()
    tell({"stopped": stopped, "rejected": noted}, f"{stopped} objects stopped, {noted} rejected by a note", as_json)


def _act(config: Path | None, as_json: bool, act: Callable[[Ledger], StudyRow]) -> None:
    with opened(config) as (_, ledger):
        found = act(ledger)
    tell(overview.describe(found), f"study {found.id} is {found.state}", as_json)


def _lines_of(found: dict[str, Any]) -> Iterator[str]:
    """Yield what is shown of one study, a line for each thing that is known."""
    yield f"study {found['id']}  {found['study_uid']}/{found['revision']}  {found['priority']}"
    yield f"{found['state']} since {found['since']}: {found['reason']}"
    for name in ("instances", "series_uid", "rule", "engine", "analysed_at", "attempts"):
        if found[name]:
            yield f"{name.replace('_', ' ')}: {found[name]}"
    for each in found["deliveries"]:
        reason = f": {each['reason']}" if each["reason"] else ""
        yield f"to {each['destination']}: {each['object']} {each['state']}, sent {each['sends']} times{reason}"
    for each in (*found["history"], *found["fetches"]):
        yield f"{each['at']}  {each['state']}  {each['reason']}"


def _by() -> str:
    """Return who asks, for the history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "an operator"
