"""Commands that make a fleet and its keys, and change who may sign."""

from pathlib import Path
from typing import Annotated

import typer

from fleet.channels.keys import key_of, make_key_pair, read_public_key, signer_of
from fleet.channels.office import OWNERS, Office
from fleet.cli.options import OFFICE_KEY, Fleet, OfficeKey, RootKeys, office_of, told
from fleet.preparing import prepare

PublicKeys = Annotated[list[Path] | None, typer.Option("--public-key", help="Public key to add; more than once.")]


def keygen(path: Annotated[Path, typer.Argument(help="File for the private key; the public one gets .pub.")]) -> None:
    """Make a key for a person who signs, for the root, or for a box.

    sidewall-fleet keygen anna.pem
    """
    with told():
        typer.echo(f"private key: {path}\npublic key: {make_key_pair(path)}")


def init(
    fleet: Annotated[Path, typer.Argument(help="New folder of the office.")],
    root_key: RootKeys,
    release: Annotated[list[Path], typer.Option("--release", help="Public key that may sign images; at least two.")],
    model: Annotated[list[Path], typer.Option("--model", help="Public key that may sign bundles; at least two.")],
    root_threshold: Annotated[int, typer.Option("--root-threshold", help="How many root keys must sign.")] = 1,
) -> None:
    """Make a fleet: who may say what its boxes run.

    sidewall-fleet init fleet --root-key root.pem --release anna.pem.pub --release ben.pem.pub --model cleo.pem.pub
    --model dan.pem.pub
    """
    with told():
        people = {"release": release, "model": model}
        signers = {part: [key_of(read_public_key(each)) for each in files] for part, files in people.items()}
        roots = [signer_of(each) for each in root_key]
        make_key_pair(fleet / OFFICE_KEY)
        office = Office.create(fleet, roots, signer_of(fleet / OFFICE_KEY), signers, root_threshold)
    typer.echo(f"{fleet}: give {office.root_file} to every box, and keep the root keys offline")


def new_box(
    answers: Annotated[
        Path, typer.Argument(help="TOML file: a table [box] of settings, fleet_root, release_key, site.")
    ],
    root: Annotated[Path, typer.Option("--root", help="Where the box's file system begins.")] = Path("/"),
) -> None:
    """Make this machine a box of a fleet: settings, trust, site file and a key, from one file of answers.

    sidewall-fleet new-box answers.toml
    """
    with told():
        public = prepare(answers, root)
    typer.echo(f"public key: {public}\nin the office: sidewall-fleet enrol BOX {public.name}")


def keys(
    owner: Annotated[str, typer.Argument(help=f"Whose: {', '.join(OWNERS)}.")],
    root_key: RootKeys,
    public_key: PublicKeys = None,
    revoke: Annotated[list[str] | None, typer.Option("--revoke", help="Id of a key to take away.")] = None,
    fleet: Fleet = Path("fleet"),
    office_key: OfficeKey = None,
) -> None:
    """Add keys, or take them away: what they have signed then needs the signature of others.

    sidewall-fleet keys release --public-key eve.pem.pub --revoke 5f1d... --root-key root.pem
    """
    with told():
        office, own = office_of(fleet, office_key)
        added = [key_of(read_public_key(each)) for each in public_key or ()]
        roots = [signer_of(each) for each in root_key]
        office.change_keys(owner, roots, own, add=added, revoke=revoke or ())
        unsigned = office.unsigned()
    typer.echo(f"keys of {owner} changed; `publish` brings it to the boxes")
    for role in unsigned:
        typer.echo(f"no box believes {role} any more until `sidewall-fleet sign {role}`")
