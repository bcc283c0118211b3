"""`sidewall bundle`: the bundles that this box has pulled from a registry, and which of them is the current one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runtime.cli.console import progress_bar
from runtime.cli.options import (
    BundleStoreOption,
    ConfigOption,
    JsonOption,
    RegistryAuthFileOption,
    RegistryCaOption,
    RegistryPlainHttpOption,
)
from runtime.cli.reporting import reporting_errors
from runtime.settings import load_settings
from trust.registry.reference import OCI_PREFIX, parse_reference

if TYPE_CHECKING:
    from runtime.bundle.loading import Bundle

_STDOUT = Console()

bundle_app = typer.Typer(
    no_args_is_help=True,
    help="Pull model bundles from a registry, choose the current one or the one before it, verify and unpack others.",
    epilog="Exit status: 0 done, 2 a setting is not allowed or the store cannot be written, 4 a bundle is rejected, "
    "5 the registry is out of reach.",
)
BundleArgument = Annotated[
    str,
    typer.Argument(
        metavar="BUNDLE", help="NAME@DIGEST as `list` shows it, a digest of 8 figures or more, or previous."
    ),
]


@bundle_app.command(epilog="Example: sidewall bundle pull registry.example:5000/sidewall/demo:0.3.1 --use")
def pull(
    reference: Annotated[
        str, typer.Argument(metavar="REFERENCE", help="HOST[:PORT]/NAME with :TAG or @sha256:DIGEST.")
    ],
    use: Annotated[bool, typer.Option("--use", help="Make it the current one, too.")] = False,
    bundle_store: BundleStoreOption = None,
    registry_ca: RegistryCaOption = None,
    registry_auth_file: RegistryAuthFileOption = None,
    registry_plain_http: RegistryPlainHttpOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Pull a bundle, verify it, and keep it in the store, whole or not at all; a damaged one there is replaced."""
    with reporting_errors(as_json):
        given: dict[str, Any] = {"bundle_store": bundle_store, "registry_ca": registry_ca}
        given |= {"registry_auth_file": registry_auth_file, "registry_plain_http": registry_plain_http}
        settings = load_settings(given, file=config)
        place = parse_reference(reference.removeprefix(OCI_PREFIX), "reference")
        from runtime.analysis.loading import registry_access
        from runtime.bundle.registry.fetching import fetch_sound_bundle
        from runtime.bundle.registry.store import BundleStore

        store = BundleStore(settings.bundle_store)
        with progress_bar() as show:
            fetched = fetch_sound_bundle(
                place, store, registry_access(settings), lambda done, total: show("pull", done, total, None)
            )
        stored = store.use(fetched.digest) if use else store.find(fetched.digest)
        if as_json:
            typer.echo(json.dumps(stored.to_mapping() | {"pulled": fetched.pulled, "proxy": fetched.proxy}, indent=2))
        else:
            what = f"pulled{fetched.way}" if fetched.pulled else "was here already"
            typer.echo(f"{stored.name} {stored.version} {what}: {stored.name}@{stored.digest}")
            _say_use(stored.roles)


@bundle_app.command(epilog="Example: sidewall bundle add /media/usb/demo")
def add(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Artifact as `skopeo copy docker://... dir:FOLDER` writes it; relative to the store."
        ),
    ],
    bundle_store: BundleStoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in a bundle that was carried here, as a pull does: verified, whole or not at all."""
    with reporting_errors(as_json):
        settings = load_settings({"bundle_store": bundle_store}, file=config)
        from runtime.bundle.registry.carried import add_bundle
        from runtime.bundle.registry.store import BundleStore

        stored = add_bundle(settings.bundle_store / folder, BundleStore(settings.bundle_store))
        if as_json:
            typer.echo(json.dumps(stored.to_mapping(), indent=2))
        else:
            typer.echo(f"{stored.name} {stored.version} added: {stored.name}@{stored.digest}")


@bundle_app.command("list", epilog="Example: sidewall bundle list")
def list_bundles(
    bundle_store: BundleStoreOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Show the bundles of the store."""
    with reporting_errors(as_json):
        settings = load_settings({"bundle_store": bundle_store}, file=config)
        from runtime.bundle.registry.store import BundleStore

        bundles = BundleStore(settings.bundle_store).bundles()
        if as_json:
            typer.echo(json.dumps([each.to_mapping() for each in bundles], indent=2))
            return
        table = Table(box=None, header_style="bold underline")
        for heading in ("bundle", "version", "role", "last pulled as"):
            # The first is what one copies: it stays whole in any terminal.
            table.add_column(heading, no_wrap=heading == "bundle", overflow="fold")
        for each in bundles:
            # Text, not markup: names come from a manifest.
            cells = (f"{each.name}@{each.digest[:19]}", each.version, ", ".join(each.roles), "\n".join(each.references))
            table.add_row(*map(Text, cells))
        _STDOUT.print(table if bundles else f"no bundles in {settings.bundle_store}", soft_wrap=not bundles)


@bundle_app.command(epilog="Example: sidewall bundle use previous")
def use(
    wanted: BundleArgument,
    bundle_store: BundleStoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a bundle of the store and make it the current one; a server takes it at its next start."""
    with reporting_errors(as_json):
        settings = load_settings({"bundle_store": bundle_store}, file=config)
        from runtime.bundle.registry.store import BundleStore

        stored = BundleStore(settings.bundle_store).use(wanted)
        if as_json:
            typer.echo(json.dumps(stored.to_mapping(), indent=2))
        else:
            typer.echo(f"{stored.name} {stored.version}: {stored.name}@{stored.digest}")
            _say_use(stored.roles)


@bundle_app.command(epilog="Example: sidewall bundle remove sidewall-demo@sha256:0123456789ab")
def remove(
    wanted: BundleArgument,
    bundle_store: BundleStoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a bundle out of the store; not the current one, and not one that a server runs on."""
    with reporting_errors(as_json):
        settings = load_settings({"bundle_store": bundle_store}, file=config)
        from runtime.bundle.registry.store import BundleStore

        stored = BundleStore(settings.bundle_store).remove(wanted)
        if as_json:
            typer.echo(json.dumps(stored.to_mapping(), indent=2))
        else:
            typer.echo(f"{stored.name} {stored.version} removed: {stored.name}@{stored.digest}")


@bundle_app.command(epilog="Example: sidewall bundle verify /bundle")
def verify(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a bundle, such as /bundle.")],
    as_json: JsonOption = False,
) -> None:
    """Check a bundle as a start does: every file, the signature, the trust; its golden case is `doctor`'s."""
    with reporting_errors(as_json):
        from runtime.bundle.loading import load_bundle

        _say_sound(load_bundle(folder), as_json)


@bundle_app.command(epilog="Example: sidewall bundle unpack demo.tar --out /srv/sidewall/bundles/demo")
def unpack(
    archive: Annotated[Path, typer.Argument(metavar="IN.tar", help="File that `sidewall-export pack` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the bundle; must not exist yet, or be empty.")],
    as_json: JsonOption = False,
) -> None:
    """Verify a packed bundle and write it to a folder, whole or not at all."""
    with reporting_errors(as_json):
        from runtime.bundle.packed import unpack_bundle

        _say_sound(unpack_bundle(archive, out), as_json)


def _say_sound(bundle: "Bundle", as_json: bool) -> None:
    found = {
        "folder": str(bundle.path),
        "name": bundle.name,
        "version": bundle.version,
        "digest": bundle.digest,
        "signed_by": bundle.signed_by,
    }
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo(f"{bundle.path}: {bundle.name} {bundle.version}, {bundle.digest}, signed by {bundle.signed_by}")


def _say_use(roles: tuple[str, ...]) -> None:
    if "current" in roles:
        typer.echo("it is the current one; a server that runs takes it when it is started again")
