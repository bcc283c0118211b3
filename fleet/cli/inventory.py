"""Commands about what runs where: a box's own word, and what the office makes of all of them."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from base import durable
from base.errors import SettingInvalid
from base.metrics import metrics_page
from base.system_errors import system_error
from fleet.agent.journal import went_back_from
from fleet.channels.content import Holds, Part
from fleet.channels.office import Office
from fleet.channels.roles import PARTS, RINGS
from fleet.cli.options import (
    AsJson,
    Config,
    Days,
    Fleet,
    Keys,
    OfficeKey,
    RegistryAuthFile,
    RegistryCa,
    RegistryPlainHttp,
    access_of,
    office_of,
    signers_of,
    told,
)
from fleet.errors import NotProved
from fleet.inventory.exporting import FleetCollector
from fleet.inventory.overview import FOLDER, SILENT_AFTER, BoxRow, enrolled, survey
from fleet.inventory.overview import enrol as keep_key
from fleet.inventory.page import page as make_page
from fleet.inventory.proving import require_proof
from fleet.inventory.reporting import look_at_box
from fleet.inventory.status import seal
from fleet.settings import SOURCES
from fleet.stores.opening import opened_store
from trust.private_keys import read_private_key
from trust.registry.access import RegistryAccess

_TROUBLED = 1
Inventory = Annotated[str, typer.Argument(help="Where boxes leave their statuses: a folder, or oci:HOST[:PORT]/NAME.")]


def enrol(
    box: Annotated[str, typer.Argument(help="Name of the box.")],
    public_key: Annotated[Path, typer.Argument(help="Its public key, as `keygen` on the box made it.")],
    fleet: Fleet = Path("fleet"),
) -> None:
    """Take a box into the fleet: from then on its word counts, and its silence is told.

    sidewall-fleet enrol north-1 north-1.pem.pub
    """
    with told():
        Office(fleet)
        typer.echo(f"{box}: {keep_key(fleet, box, public_key)}")


def report(config: Config = None, as_json: AsJson = False) -> None:
    """Look at this box and leave its signed status in the inventory; for a timer, every 15 minutes.

    sidewall-fleet report --config /etc/sidewall/fleet.toml
    """
    with told():
        settings = SOURCES.load(file=config)
        key = read_private_key(settings.status_key)
        with _written(settings.state):
            status = look_at_box(settings, went_back_from(settings.state))
        with opened_store(settings.inventory, settings.access) as store:
            store.write(f"{FOLDER}/{settings.box}.json", seal(status, key))
    if as_json:
        typer.echo(json.dumps(status.to_mapping(), indent=2))
        return
    said = f"; no answer from {', '.join(status.silent)}" if status.silent else ""
    typer.echo(f"{status.box}: told to {settings.inventory}{said}")


def status(
    inventory: Inventory,
    fleet: Fleet = Path("fleet"),
    page: Annotated[Path | None, typer.Option("--page", help="Write the fleet as one HTML page, too.")] = None,
    metrics: Annotated[
        Path | None, typer.Option("--metrics", help="Write metrics for the node exporter's textfile collector, too.")
    ] = None,
    silent_after: Annotated[
        float, typer.Option("--silent-after", min=0.01, help="Hours after which a box is told as silent.")
    ] = SILENT_AFTER.total_seconds() / 3600,
    as_json: AsJson = False,
    registry_ca: RegistryCa = None,
    registry_auth_file: RegistryAuthFile = None,
    registry_plain_http: RegistryPlainHttp = None,
) -> None:
    """Show every box: what it runs, how it is, and who is silent. Exit 1 where any has troubles.

    sidewall-fleet status /srv/fleet/inventory --page /srv/www/fleet.html
    """
    with told():
        office = Office(fleet)
        access = access_of(registry_ca, registry_auth_file, registry_plain_http)
        holds = office.holds()
        rows = _rows(office, inventory, access, silent_after)
        if page is not None:
            with _written(page):
                durable.write_file(page, make_page(rows, holds).encode())
        if metrics is not None:
            collector = FleetCollector(rows, holds, office.current_until())
            with _written(metrics):
                durable.write_file(metrics, metrics_page(collector))
    typer.echo(json.dumps(_mapping(rows, holds), indent=2) if as_json else _text(rows, holds))
    if any(row.troubles for row in rows):
        raise typer.Exit(_TROUBLED)


def promote(
    to: Annotated[
        str, typer.Argument(help=f"Ring that gets what the one before it has proved: {', '.join(RINGS[1:])}.")
    ],
    inventory: Inventory,
    only: Annotated[str | None, typer.Option("--only", help=f"One part: {' or '.join(PARTS)}; default: both.")] = None,
    least_boxes: Annotated[int, typer.Option("--least-boxes", min=1, help="How many boxes must have proved it.")] = 1,
    least_hours: Annotated[float, typer.Option("--least-hours", min=0.0, help="For how many hours.")] = 24.0,
    days: Days = 90.0,
    key: Keys = None,
    fleet: Fleet = Path("fleet"),
    office_key: OfficeKey = None,
    as_json: AsJson = False,
    registry_ca: RegistryCa = None,
    registry_auth_file: RegistryAuthFile = None,
    registry_plain_http: RegistryPlainHttp = None,
) -> None:
    """Tell a ring what the ring before it has proved: enough boxes run it, for long enough, and none went back.

    What the ring `all` is told waits for a second signer. Exit 3 where it is not proved, or rollouts are halted.

    sidewall-fleet promote early /srv/fleet/inventory --least-boxes 2 --least-hours 48 --key anna.pem
    """
    with told():
        if to not in RINGS[1:]:
            raise SettingInvalid("to", to, ", ".join(RINGS[1:]))
        if only not in (None, *PARTS):
            raise SettingInvalid("only", only, " or ".join(PARTS))
        office, own = office_of(fleet, office_key)
        source = RINGS[RINGS.index(to) - 1]
        parts = _to_promote(office, source, to, only)
        rows = _rows(office, inventory, access_of(registry_ca, registry_auth_file, registry_plain_http))
        proofs = [require_proof(each, rows, least_boxes=least_boxes, least_hours=least_hours) for each in parts]
        done = list[dict[str, Any]]()
        for part, boxes in zip(parts, proofs, strict=True):
            moved = replace(part, ring=to, not_before=datetime.now(UTC))
            enough = office.tell(moved, days, signers_of(key), own)
            done.append(
                {"part": part.part, "from": source, "to": to, "proved_by": boxes, "waits_for_signature": not enough}
            )
    if as_json:
        typer.echo(json.dumps(done, indent=2))
        return
    for each in done:
        ends = (
            f"waits: `sidewall-fleet sign {each['part']}-{to}`"
            if each["waits_for_signature"]
            else "`publish` brings it"
        )
        typer.echo(f"{each['part']} goes from {source} to {to}, proved by {len(each['proved_by'])} boxes; {ends}")


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """Say in our words why something could not be written there."""
    try:
        yield
    except OSError as error:
        said = SettingInvalid("path", str(path), f"a place that can be written ({error.strerror})")
        raise system_error(error, str(path)) or said from error


def _to_promote(office: Office, source: str, to: str, only: str | None) -> list[Part]:
    """Return the parts that differ between two rings; raises `NotProved` where there is nothing to move, or a halt."""
    halted = office.holds().halted
    if halted is not None:
        raise NotProved(f"rollouts are halted: {halted}")
    found = []
    for name in PARTS if only is None else (only,):
        part, there = office.part(name, source), office.part(name, to)
        if part is not None and (there is None or there.images != part.images):
            found.append(part)
    if not found:
        raise NotProved(f"ring {source} is told nothing that ring {to} is not")
    return found


def _rows(
    office: Office, inventory: str, access: RegistryAccess, hours: float = SILENT_AFTER.total_seconds() / 3600
) -> list[BoxRow]:
    told_parts = office.parts()
    with opened_store(inventory, access) as store:
        return survey(store, enrolled(office.folder), told_parts, office.holds(), silent_after=timedelta(hours=hours))


def _mapping(rows: list[BoxRow], holds: Holds) -> dict[str, object]:
    return {"boxes": [row.to_mapping() for row in rows], "holds": json.loads(holds.content())}


def _text(rows: list[BoxRow], holds: Holds) -> str:
    rings = Counter(row.ring or "unknown" for row in rows)
    troubled = sum(bool(row.troubles) for row in rows)
    counted = ", ".join(f"{count} {ring}" for ring, count in sorted(rings.items()))
    lines = [f"{len(rows)} boxes ({counted or 'none'}), {troubled} with troubles"]
    lines += [f"halted: {holds.halted}"] if holds.halted else []
    lines += [f"{box} is pinned: {reason}" for box, reason in holds.pins.items()]
    for row in rows:
        runs = {} if row.status is None else row.status.running
        versions = " ".join(f"{name} {each.version}" for name, each in runs.items()) or "-"
        lines.append(f"{row.box:<24} {row.ring or '?':<7} {versions:<44} {'; '.join(row.troubles) or 'ok'}")
    return "\n".join(lines)
