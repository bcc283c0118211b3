"""The commands that hand a bundle over: card, renew, verify, pack, unpack, push, pull."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from base.errors import SettingInvalid
from export.options import (
    BundleFolder,
    CardTextFile,
    FigureFiles,
    StationFile,
    TrustedKeys,
    console,
    parse_figures,
    signed_or_not,
)
from runtime.bundle.loading import Bundle
from trust.errors import BundleRejected
from trust.registry.access import RegistryAccess
from trust.registry.reference import parse_reference

Ref = Annotated[str, typer.Argument(metavar="REF", help="HOST[:PORT]/NAME with :TAG or @sha256:DIGEST.")]
PlainHttp = Annotated[
    bool,
    typer.Option(
        "--registry-plain-http", "--plain-http", help="Speak http instead of https; to a registry on this machine only."
    ),
]
RegistryCa = Annotated[
    Path | None, typer.Option(help="Who may sign the registry's certificate (PEM); default: the public authorities.")
]
AuthFile = Annotated[
    Path | None,
    typer.Option(
        help="Logins as `podman login --authfile` writes them; default: REGISTRY_AUTH_FILE, podman's, docker's."
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the bundle; must not exist yet, or be empty.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(
        epilog="Example: sidewall-export card models/demo --figures Evaluation=benchmarks/results/demo_model.json "
        "--figures Cross-validation=benchmarks/results/demo_cross_validation.json --key work/keys/demo.pem"
    )(card)
    app.command(
        epilog="Example: sidewall-export renew models/demo --station-reference benchmarks/results/demo_stations.json "
        "--key work/keys/demo.pem"
    )(renew)
    app.command(epilog="Example: sidewall-export verify models/demo")(verify)
    app.command(epilog="Example: sidewall-export pack models/demo out/demo.tar")(pack)
    app.command(epilog="Example: sidewall-export unpack out/demo.tar --out models/site")(unpack)
    app.command(epilog="Example: sidewall-export push models/demo registry.example:5000/sidewall/demo:0.2.0")(push)
    app.command(epilog="Example: sidewall-export pull registry.example:5000/sidewall/demo:0.2.0 --out models/site")(
        pull
    )


def card(
    path: BundleFolder,
    figures: FigureFiles = None,
    card_text: CardTextFile = None,
    key: Annotated[Path | None, typer.Option(help="Private key to sign with; none leaves the bundle unsigned.")] = None,
) -> None:
    """Write the model card of a finished bundle anew, with figures measured on this bundle, and seal it again."""
    from export.carding import renew_card
    from export.model_card import read_figures
    from trust.private_keys import read_private_key

    private = None if key is None else read_private_key(key)
    manifest = renew_card(path, read_figures(parse_figures(figures)), card_text, private)
    typer.echo(f"{path}: {manifest.name} {manifest.version}, card written, {signed_or_not(key)}")


def renew(
    path: BundleFolder,
    station_reference: StationFile = None,
    label_maps: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Measure these label maps (labelsTr) for the station reference."),
    ] = None,
    label_map_count: Annotated[int, typer.Option(min=5, help="Most label maps to measure.")] = 150,
    image_reference: Annotated[
        Path | None, typer.Option(help="JSON file with the limits of the image's gates.")
    ] = None,
    proof: Annotated[Path | None, typer.Option(help="JSON file with what was measured as a proof.")] = None,
    version: Annotated[str | None, typer.Option(help="New version of the bundle; default: as it was.")] = None,
    key: Annotated[Path | None, typer.Option(help="Private key to sign with; none leaves the bundle unsigned.")] = None,
) -> None:
    """Add sections to the manifest of a finished bundle and seal it again; then measure it anew, and renew its card."""
    from export.renewing import renew_bundle
    from export.station_sizes import plain, read_section, stations_of
    from trust.private_keys import read_private_key

    if station_reference is not None and label_maps is not None:
        raise SettingInvalid("label-maps", str(label_maps), "either --station-reference or --label-maps")
    private = None if key is None else read_private_key(key)
    files = {"station_reference": station_reference, "image_reference": image_reference, "proof": proof}
    sections = {name: read_section(each) for name, each in files.items() if each is not None}
    if label_maps is not None:
        sections["station_reference"] = plain(stations_of(label_maps, label_map_count))
    manifest = renew_bundle(path, sections, version, private)
    said = ", ".join(sorted(sections))
    typer.echo(f"{path}: {manifest.name} {manifest.version}, {said} written, {signed_or_not(key)}")


def verify(
    path: BundleFolder,
    trusted_keys: TrustedKeys = None,
    golden: Annotated[bool, typer.Option(help="Run the golden case, and compare backends and precisions.")] = True,
    case: Annotated[
        list[Path] | None,
        typer.Option(exists=True, help="Compare on this case too: DICOM or a NIfTI image; repeatable."),
    ] = None,
    backend: Annotated[
        list[str] | None, typer.Option(help="Run this backend alone; repeatable. Default: every one present.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every check as JSON.")] = False,
) -> None:
    """Check signature, files, weights and golden case, and every precision against float32; status 4 when rejected."""
    from export.parity_table import parity_table
    from export.verification import verify_bundle
    from runtime.inference.backends.registry import available_backends, require_backend

    for name in backend or ():
        require_backend(name)
    done = verify_bundle(path, trusted_keys, (backend or available_backends()) if golden else (), case or ())
    if as_json:
        typer.echo(json.dumps(done.to_mapping(), indent=2))
    else:
        table = Table("check", "status", "what was found")
        for check in done.checks:
            style = {"ok": "green", "failed": "red"}.get(check.status, "yellow")
            # Text, not markup: what was found may quote a hostile bundle.
            table.add_row(check.name, Text(check.status, style), Text(check.text))
        console.print(table)
        if done.parity:
            console.print(parity_table(done.parity))
    if not done.accepted:
        raise BundleRejected(done.reason)


def pack(
    path: BundleFolder,
    out: Annotated[Path, typer.Argument(metavar="OUT.tar", help="File to write; an older one is replaced.")],
    trusted_keys: TrustedKeys = None,
) -> None:
    """Write a signed bundle as one tar file: the same bytes for the same bundle."""
    from export.packing import pack_bundle

    sha256 = pack_bundle(path, out, trusted_keys)
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB, sha256:{sha256}")


def unpack(
    archive: Annotated[Path, typer.Argument(metavar="IN.tar", help="File that `sidewall-export pack` wrote.")],
    out: Out,
    trusted_keys: TrustedKeys = None,
) -> None:
    """Verify a packed bundle and write it to a folder, whole or not at all."""
    from runtime.bundle.packed import unpack_bundle

    _say(unpack_bundle(archive, out, trusted_keys))


def push(
    path: BundleFolder,
    ref: Ref,
    trusted_keys: TrustedKeys = None,
    registry_plain_http: PlainHttp = False,
    registry_ca: RegistryCa = None,
    registry_auth_file: AuthFile = None,
) -> None:
    """Push a signed bundle to a registry as an OCI artifact."""
    from export.registry import push_bundle

    reference = parse_reference(ref)
    access = RegistryAccess(registry_ca, registry_auth_file, registry_plain_http)
    typer.echo(f"{reference}@{push_bundle(path, reference, trusted_keys, access=access)}")


def pull(
    ref: Ref,
    out: Out,
    trusted_keys: TrustedKeys = None,
    registry_plain_http: PlainHttp = False,
    registry_ca: RegistryCa = None,
    registry_auth_file: AuthFile = None,
) -> None:
    """Pull a bundle from a registry, verify it, and write it to a folder, whole or not at all."""
    from runtime.bundle.registry.client import pull_bundle

    access = RegistryAccess(registry_ca, registry_auth_file, registry_plain_http)
    bundle, digest = pull_bundle(parse_reference(ref), out, trusted_keys, access=access)
    _say(bundle)
    typer.echo(f"artifact {digest}")


def _say(bundle: Bundle) -> None:
    typer.echo(f"{bundle.path}: {bundle.name} {bundle.version}, {bundle.digest}, signed by {bundle.signed_by}")
