"""The commands about keys: keygen, keys, sign, revoke."""

import os
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from base.environment import TRUSTED_KEYS_VARIABLE
from base.errors import SettingInvalid
from export.options import BundleFolder, TrustedKeys, console, parse_day, parse_trained_on, today
from trust.errors import BundleRejected
from trust.signing import TrustedKey
from trust.trusted import Revocation, Revocations

Day = Annotated[str | None, typer.Option(help="ISO day (UTC).")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(epilog="Example: sidewall-export keygen work/keys/site.pem --trusted-for clinical")(keygen)
    app.command(epilog="Example: sidewall-export keys --trusted-keys work/keys")(keys)
    app.command(epilog="Example: sidewall-export sign out/bundle --key work/keys/site.pem")(sign)
    app.command(
        epilog="Example: sidewall-export revoke --trusted-keys work/keys --key 20ec6960a134e94a --reason stolen"
    )(revoke)


def keygen(
    path: Annotated[Path, typer.Argument(help="File for the private key; keep it out of version control.")],
    trusted_for: Annotated[list[str], typer.Option(help="phantom or clinical; repeatable.")],
    not_before: Annotated[str | None, typer.Option(help="First day (ISO, UTC) on which it counts.")] = None,
    not_after: Annotated[str | None, typer.Option(help="Last day (ISO, UTC) on which it counts.")] = None,
) -> None:
    """Make a signing key: PATH (private) and PATH with .pub (to be put among the trusted keys of each box)."""
    from trust.private_keys import make_private_key
    from trust.signing import key_id_of, write_trusted_key

    scopes = [parse_trained_on(word) for word in trusted_for]
    first = None if not_before is None else parse_day("not_before", not_before)
    last = None if not_after is None else parse_day("not_after", not_after)
    key = make_private_key(path)
    write_trusted_key(path.with_suffix(".pub"), key.public_key(), scopes, first, last)
    console.print(f"key {key_id_of(key.public_key())}: {path} (private), {path.with_suffix('.pub')} (public)")


def keys(trusted_keys: TrustedKeys = None) -> None:
    """List the keys that are trusted here, until when, and what was revoked."""
    from trust.trusted import read_trust

    trust = read_trust(trusted_keys)
    table = Table("key", "file", "trusted for", "from", "until", "state")
    for key in trust.keys:
        days = [str(day) if day else "" for day in (key.not_before, key.not_after)]
        state = Text(_state(key, trust.revocations))
        table.add_row(key.key_id, Text(key.file), " ".join(sorted(key.trusted_for)), *days, state)
    console.print(table)
    for kind, listed in (("key", trust.revocations.keys), ("bundle", trust.revocations.bundles)):
        for name, each in listed.items():
            typer.echo(f"revoked {kind} {name} on {each.date}: {each.reason}")


def sign(
    path: BundleFolder,
    key: Annotated[Path, typer.Option(help="Private key to sign with (sidewall-export keygen).")],
    only: Annotated[bool, typer.Option(help="Drop the signatures of other keys instead of keeping them.")] = False,
) -> None:
    """Sign a bundle as it lies there, beside the keys that have signed it: what a change of keys needs."""
    from export.sealing import sign_bundle
    from trust.private_keys import read_private_key

    signed = sign_bundle(path, read_private_key(key), only=only)
    typer.echo(f"{path}: {signed.digest}, signed by {', '.join(each.key_id for each in signed.signatures)}")


def revoke(
    reason: Annotated[str, typer.Option(help="Why, for the operators who will read it.")],
    trusted_keys: Annotated[
        Path | None, typer.Option(help=f"Folder whose revoked.json is written; default: {TRUSTED_KEYS_VARIABLE}.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Id of a key to revoke.")] = None,
    bundle: Annotated[
        str | None, typer.Option("--bundle", "-b", help="Bundle to revoke: its folder, or its digest.")
    ] = None,
    on: Day = None,
) -> None:
    """Take back the trust in a key or a bundle; every box that has the list refuses it from then on."""
    from export.revoking import digest_of
    from export.revoking import revoke as write

    named = os.environ.get(TRUSTED_KEYS_VARIABLE)
    folder = trusted_keys or (Path(named) if named else None)
    if folder is None:
        raise SettingInvalid("trusted_keys", None, f"a folder, by --trusted-keys or {TRUSTED_KEYS_VARIABLE}")
    if (key is None) == (bundle is None):
        raise SettingInvalid("key", key, "either --key or --bundle")
    day: date = today() if on is None else parse_day("on", on)
    digest = None if bundle is None else digest_of(bundle)
    listed = write(folder, key_id=key, digest=digest, revocation=Revocation(day.isoformat(), reason))
    typer.echo(f"{folder}: {len(listed.keys)} keys and {len(listed.bundles)} bundles are revoked")


def _state(key: TrustedKey, revocations: Revocations) -> str:
    revoked = revocations.keys.get(key.key_id)
    if revoked is not None:
        return f"revoked on {revoked.date}: {revoked.reason}"
    try:
        key.check_valid_on(today())
    except BundleRejected as error:
        return str(error)
    return "counts"
