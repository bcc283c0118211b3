"""Commands by which the office says what boxes should run, and what they must leave alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from base.errors import SettingInvalid
from fleet.channels.content import BOX_NAME, Image, Part, parse_time, time_text
from fleet.channels.office import ROOT_DAYS
from fleet.channels.publishing import publish as copy
from fleet.channels.roles import PARTS
from fleet.cli.options import (
    AsJson,
    Days,
    Fleet,
    Keys,
    OfficeKey,
    RegistryAuthFile,
    RegistryCa,
    RegistryPlainHttp,
    Ring,
    access_of,
    check_ring,
    office_of,
    signers_of,
    told,
)
from fleet.stores.opening import ALLOWED, opened_store

_DAYS = 90.0
_IMAGE = "sha256:DIGEST=VERSION"

Engine = Annotated[str | None, typer.Option("--engine", help=f"Image of the engine, {_IMAGE}.")]
Gateway = Annotated[str | None, typer.Option("--gateway", help=f"Image of the gateway, {_IMAGE}.")]
Bundle = Annotated[str | None, typer.Option("--bundle-artifact", help=f"Artifact of the bundle, {_IMAGE}.")]


def release(
    ring: Ring,
    engine: Engine = None,
    gateway: Gateway = None,
    bundle_artifact: Bundle = None,
    smallest_version: Annotated[
        str, typer.Option(help="A component of a lesser version has to take a step in between.")
    ] = "0.0",
    not_before: Annotated[str | None, typer.Option(help="No box begins earlier: 2027-01-31T22:00:00Z.")] = None,
    days: Days = _DAYS,
    key: Keys = None,
    fleet: Fleet = Path("fleet"),
    office_key: OfficeKey = None,
) -> None:
    """Say what a ring should run: engine, gateway and bundle, apart or together.

    What is not named stays as it is. Images need a key of `release`, a bundle one of `model`; what the ring `all` is
    told waits for a second signer.

    sidewall-fleet release canary --engine sha256:4be0...=1.4.0 --key anna.pem
    """
    with told():
        office, own = office_of(fleet, office_key)
        images = {"engine": engine, "gateway": gateway, "bundle": bundle_artifact}
        named = {name: _image(name, text) for name, text in images.items() if text is not None}
        if not named:
            raise SettingInvalid("engine", None, "at least one of --engine, --gateway, --bundle-artifact")
        start = datetime.now(UTC) if not_before is None else parse_time(not_before, "not_before")
        for part, components in PARTS.items():
            new = {name: each for name, each in named.items() if name in components}
            if new:
                before = office.part(part, check_ring(ring))
                kept = {} if before is None else dict(before.images)
                told_part = Part(ring, part, kept | new, smallest_version, start)
                _say(ring, part, office.tell(told_part, days, signers_of(key), own))


def sign(
    role: Annotated[str, typer.Argument(help="What to sign, as `waiting` lists it: release-all.")],
    key: Keys = None,
    fleet: Fleet = Path("fleet"),
    office_key: OfficeKey = None,
) -> None:
    """Add a signature to what waits for one, or sign anew what lost one with its key.

    sidewall-fleet sign release-all --key ben.pem
    """
    with told():
        office, own = office_of(fleet, office_key)
        enough = office.sign(role, signers_of(key), own)
    typer.echo(f"{role} is signed by enough: `publish` brings it to the boxes" if enough else f"{role} still waits")


def waiting(fleet: Fleet = Path("fleet"), as_json: AsJson = False) -> None:
    """Show what every ring is told, what waits for signatures, and what is held.

    sidewall-fleet waiting --fleet fleet
    """
    with told():
        office, _ = office_of(fleet, None)
        parts = office.parts()
        waits, holds, unsigned = office.waiting(), office.holds(), office.unsigned()
    if as_json:
        found = {
            "told": [json.loads(part.content()) | _numbers(part) for part in parts],
            "waiting": {role: {"signed": has, "needed": needs} for role, (has, needs) in waits.items()},
            "unsigned": unsigned,
            "holds": json.loads(holds.content()),
        }
        typer.echo(json.dumps(found, indent=2))
        return
    for part in parts:
        images = ", ".join(f"{name} {each.version} {each.digest[:19]}" for name, each in part.images.items())
        until = time_text(part.expires)
        typer.echo(f"{part.ring:<7} {part.part:<8} sequence {part.sequence}, until {until}: {images}")
    for role, (has, needs) in waits.items():
        typer.echo(f"{role} waits: signed by {has} of {needs}")
    for role in unsigned:
        typer.echo(f"{role} is no longer signed by enough: `sidewall-fleet sign {role}`")
    if holds.halted:
        typer.echo(f"halted: {holds.halted}")
    for box, reason in holds.pins.items():
        typer.echo(f"pinned: {box}: {reason}")


def halt(
    reason: Annotated[str | None, typer.Option(help="Why, for the operators who will read it.")] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Let rollouts go on.")] = False,
    key: Keys = None,
    fleet: Fleet = Path("fleet"),
    office_key: OfficeKey = None,
) -> None:
    """Stop every rollout: no box begins anything new. What a box has begun it ends, well or back.

    sidewall-fleet halt --reason "gateway 1.4.0 loses the second destination" --key anna.pem
    """
    with told():
        _check_either(reason, lift)
        office, own = office_of(fleet, office_key)
        office.hold(replace(office.holds(), halted=reason), ROOT_DAYS, signers_of(key), own)
    typer.echo(f"{'rollouts go on' if lift else 'halted'}: `publish` brings it to the boxes")


def pin(
    box: Annotated[str, typer.Argument(help="Name of the box.")],
    reason: Annotated[str | None, typer.Option(help="Why, for the operators who will read it.")] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Let the box follow its ring again.")] = False,
    key: Keys = None,
    fleet: Fleet = Path("fleet"),
    office_key: OfficeKey = None,
) -> None:
    """Keep one box as it is, whatever its ring is told.

    sidewall-fleet pin north-1 --reason "study until May" --key anna.pem
    """
    with told():
        _check_either(reason, lift)
        if not BOX_NAME.fullmatch(box):
            raise SettingInvalid("box", box, BOX_NAME.pattern)
        office, own = office_of(fleet, office_key)
        holds = office.holds()
        pins = {name: why for name, why in holds.pins.items() if name != box} | ({box: reason} if reason else {})
        office.hold(replace(holds, pins=pins), ROOT_DAYS, signers_of(key), own)
    typer.echo(f"{box} {'follows its ring' if lift else 'is pinned'}: `publish` brings it to the boxes")


def refresh(fleet: Fleet = Path("fleet"), office_key: OfficeKey = None) -> None:
    """Say that what was told is still current; without it boxes call it expired after a week.

    sidewall-fleet refresh && sidewall-fleet publish oci:registry.example/sidewall/fleet
    """
    with told():
        office, own = office_of(fleet, office_key)
        until = office.refresh(own)
    typer.echo(f"current until {time_text(until)}")


def publish(
    store: Annotated[str, typer.Argument(help=f"Where boxes read: {ALLOWED}.")],
    fleet: Fleet = Path("fleet"),
    registry_ca: RegistryCa = None,
    registry_auth_file: RegistryAuthFile = None,
    registry_plain_http: RegistryPlainHttp = None,
) -> None:
    """Bring what was said to where boxes read it: a registry, or a folder that a web server or a medium carries.

    sidewall-fleet publish oci:registry.example/sidewall/fleet
    """
    with told():
        office_of(fleet, None)
        access = access_of(registry_ca, registry_auth_file, registry_plain_http)
        with opened_store(store, access) as opened:
            count = copy(fleet, opened)
    typer.echo(f"{store}: {count} new files")


def _check_either(reason: str | None, lift: bool) -> None:
    if lift == (reason is not None):
        raise SettingInvalid("reason", reason, "either --reason or --lift")


def _image(name: str, text: str) -> Image:
    digest, separator, version = text.partition("=")
    if not separator:
        raise SettingInvalid(name, text, _IMAGE)
    return Image(digest, version)


def _say(ring: str, part: str, enough: bool) -> None:
    ends = "`publish` brings it to the boxes" if enough else f"it waits: `sidewall-fleet sign {part}-{ring}`"
    typer.echo(f"{part} of ring {ring}: {ends}")


def _numbers(part: Part) -> dict[str, str | int]:
    return {"sequence": part.sequence, "expires": time_text(part.expires)}
