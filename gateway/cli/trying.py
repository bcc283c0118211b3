"""Commands that try something out: what rules say of a study, and whether a destination answers."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from base.errors import ServerUnreachable, SettingInvalid, SidewallError
from base.exit_status import exit_status
from base.log import log_failure
from gateway.cli.asking import AsJson, Config, tell
from gateway.errors import Unreadable
from gateway.health import require_ready
from gateway.intake.headers import read_header
from gateway.settings import load_settings
from gateway.site.deciding import Decision, StudyFacts, decide
from gateway.site.file import read_site

rules = typer.Typer(no_args_is_help=True, help="The site's rules.")


@rules.command("test", epilog="Example: sidewall-gateway rules test /data/study --calling-ae MR1")
def explain(
    path: Annotated[Path, typer.Argument(exists=True, help="Folder or file of a study's instances.")],
    site: Annotated[Path | None, typer.Option(help="The site's file; the one of the settings without it.")] = None,
    calling_ae: Annotated[str, typer.Option(help="AE title that it would come from.")] = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Explain what the rules make of a study: every rule that is asked, and what would go where."""
    try:
        found = read_site(site or load_settings(file=config).site)
    except SidewallError as error:
        log_failure(error)
        raise typer.Exit(exit_status(error)) from None
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    facts, others = [], 0
    for file in files:
        try:
            header = read_header(file)
        except Unreadable:
            others += 1
            continue
        if header.is_image:
            facts.append(header.facts | {"calling_ae": calling_ae})
    decision = decide(found, StudyFacts.of(facts, datetime.now().astimezone()))
    if as_json:
        told = {"images": len(facts), "other_files": others, "asked": decision.explanation, "reason": decision.reason}
        typer.echo(json.dumps(told | {"analyses": decision.analyses, **decision.as_mapping()}, indent=2))
    else:
        _tell(decision, len(facts), others)
    raise typer.Exit(0 if decision.analyses else 3)


def _tell(decision: Decision, images: int, others: int) -> None:
    typer.echo(f"{images} images, {others} other files")
    for line in decision.explanation:
        typer.echo(line)
    typer.echo(f"decision: {decision.reason}")
    if decision.rule is not None and decision.analyses:
        for delivery in decision.rule.deliver:
            typer.echo(f"delivers {', '.join(delivery.objects)} to {delivery.to}")


def echo(
    destination: Annotated[str, typer.Argument(help="Name of a destination in the site's file.")],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Try whether a destination answers: a C-ECHO under our AE title, or a query (QIDO-RS); status 5 when not."""
    from gateway.delivery.outcomes import Unreachable
    from gateway.delivery.verifying import verify

    try:
        settings = load_settings(file=config)
        site = read_site(settings.site)
        wanted = site.destination(destination)
        if wanted is None:
            names = ", ".join(each.name for each in site.destinations) or "there is none"
            raise SettingInvalid("destination", destination, names)
        try:
            answered = verify(settings.ae_title, wanted)
        except Unreachable as error:
            raise ServerUnreachable(str(error)) from None
    except SidewallError as error:
        log_failure(error)
        raise typer.Exit(exit_status(error)) from None
    tell(asdict(answered), str(answered), as_json)


def self_test(
    folder: Annotated[Path, typer.Argument(help="Folder with the DICOM files of one series of a phantom.")],
    timeout_s: Annotated[float, typer.Option(min=1.0, help="Give up after this time, s.")] = 900.0,
    calling_ae: Annotated[str, typer.Option(help="AE title that it is sent under.")] = "SELFTEST",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Send a phantom's study to this node and await its result at the destination `self-test`; status 3 without one."""
    from gateway.self_testing import self_test as run

    try:
        settings = load_settings(file=config)
        uid = run(settings, read_site(settings.site), folder, timeout_s, calling_ae)
    except SidewallError as error:
        log_failure(error)
        raise typer.Exit(exit_status(error)) from None
    tell({"study_uid": uid, "came_back": True}, f"the phantom's study {uid} came back", as_json)


def health(
    listen: Annotated[str | None, typer.Option("--listen", "-l", help="host:port, as the gateway has it.")] = None,
    timeout_s: Annotated[float, typer.Option(help="Give up after this time, s.")] = 5.0,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Ask this machine's gateway, the one of these settings, whether it takes instances; status 5 when it does not."""
    try:
        wanted = load_settings({"listen": listen}, file=config).listen
        require_ready(wanted, timeout_s)
    except SidewallError as error:
        log_failure(error)
        raise typer.Exit(exit_status(error)) from None
    tell({"listen": wanted, "takes_instances": True}, f"takes instances at {wanted}", as_json)
