"""Commands on a box that ask its channel."""

import json
from pathlib import Path
from typing import Annotated

import typer

from base.wording import WARNING
from fleet.channels.content import time_text
from fleet.channels.following import Follower, Look
from fleet.cli.options import (
    AsJson,
    RegistryAuthFile,
    RegistryCa,
    RegistryPlainHttp,
    access_of,
    check_ring,
    told,
)
from fleet.stores.opening import ALLOWED, opened_store

_DEFAULT_STATE = Path("/var/lib/sidewall-fleet/channel")


def look(
    store: Annotated[str, typer.Argument(help=f"Where the channel lies: {ALLOWED}.")],
    ring: Annotated[str, typer.Option("--ring", help="Ring of this box.")],
    root: Annotated[Path, typer.Option("--root", help="The fleet's root.json that this box was given.")],
    state: Annotated[Path, typer.Option("--state", help="Folder in which this box remembers.")] = _DEFAULT_STATE,
    forget_time: Annotated[
        bool, typer.Option("--forget-time", help="Forget the newest time seen, after a clock that ran ahead.")
    ] = False,
    as_json: AsJson = False,
    registry_ca: RegistryCa = None,
    registry_auth_file: RegistryAuthFile = None,
    registry_plain_http: RegistryPlainHttp = None,
) -> None:
    """Say what this box is told to run; nothing is changed. Exit 4 where nothing of it is to be believed.

    sidewall-fleet look oci:registry.example/sidewall/fleet --ring canary --root root.json --json
    """
    with told():
        access = access_of(registry_ca, registry_auth_file, registry_plain_http)
        follower = Follower(state, root)
        if forget_time:
            follower.forget_time()
        with opened_store(store, access) as opened:
            found = follower.look(opened, check_ring(ring))
    typer.echo(json.dumps(_mapping(found), indent=2) if as_json else _text(found))


def _mapping(found: Look) -> dict[str, object]:
    parts = [
        json.loads(part.content()) | {"sequence": part.sequence, "expires": time_text(part.expires)}
        for part in found.parts
    ]
    return {"parts": parts, "holds": json.loads(found.holds.content()), "faults": list(found.faults)}


def _text(found: Look) -> str:
    lines = [
        f"{name}: {each.version} {each.digest} (sequence {part.sequence}, from {time_text(part.not_before)})"
        for part in found.parts
        for name, each in part.images.items()
    ]
    lines += [f"halted: {found.holds.halted}"] if found.holds.halted else []
    lines += [f"{box} is pinned: {reason}" for box, reason in found.holds.pins.items()]
    lines += [f"{WARNING}{fault}" for fault in found.faults]
    return "\n".join(lines) or "nothing was told yet"
