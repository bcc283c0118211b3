"""Options that several commands take, and what they become."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from securesystemslib.signer import CryptoSigner

from base.errors import SettingInvalid, SidewallError
from base.exit_status import exit_status
from base.log import log_failure
from fleet.channels.keys import signer_of
from fleet.channels.office import Office
from fleet.channels.roles import RINGS
from trust.registry.access import RegistryAccess

OFFICE_KEY: str = "office.pem"
"""The office's own key in its folder, unless `--office-key` names another."""

Fleet = Annotated[Path, typer.Option("--fleet", help="The office's folder, as `init` made it.", show_default=True)]
Keys = Annotated[list[Path] | None, typer.Option("--key", help="Private key to sign with; more than once.")]
RootKeys = Annotated[list[Path], typer.Option("--root-key", help="Private root key; more than once.")]
OfficeKey = Annotated[
    Path | None, typer.Option("--office-key", help=f"The office's own key; default: {OFFICE_KEY} in its folder.")
]
Ring = Annotated[str, typer.Argument(help=f"Ring: {', '.join(RINGS)}.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Days = Annotated[
    float, typer.Option("--days", min=0.0, help="For how many days this counts; it is then told as expired.")
]
Config = Annotated[Path | None, typer.Option("--config", "-c", help="TOML file of settings.")]
RegistryCa = Annotated[
    Path | None,
    typer.Option("--registry-ca", help="Who may sign the registry's certificate (PEM); default: public authorities."),
]
RegistryAuthFile = Annotated[
    Path | None,
    typer.Option(
        "--registry-auth-file",
        help="Logins as `podman login --authfile` writes them; default: REGISTRY_AUTH_FILE, podman's, docker's.",
    ),
]
RegistryPlainHttp = Annotated[
    bool | None,
    typer.Option("--registry-plain-http", help="Speak http, with a registry on this machine only."),
]


@contextmanager
def told() -> Iterator[None]:
    """End the process with the reason of a failure that is expected."""
    try:
        yield
    except SidewallError as error:
        log_failure(error)
        raise typer.Exit(exit_status(error)) from None


def access_of(ca: Path | None, auth_file: Path | None, plain_http: bool | None) -> RegistryAccess:
    """Return how a registry is spoken to."""
    return RegistryAccess(ca, auth_file, bool(plain_http))


def office_of(fleet: Path, key: Path | None) -> tuple[Office, CryptoSigner]:
    """Return the office of a folder and its own key; raises `SettingInvalid`."""
    return Office(fleet), signer_of(key or fleet / OFFICE_KEY)


def signers_of(keys: Sequence[Path] | None) -> list[CryptoSigner]:
    """Return the keys of files; raises `SettingInvalid`, also where none is named."""
    if not keys:
        raise SettingInvalid("key", None, "at least one file with a private key, by --key")
    return [signer_of(each) for each in keys]


def check_ring(ring: str) -> str:
    """Return a ring that there is; raises `SettingInvalid`."""
    if ring not in RINGS:
        raise SettingInvalid("ring", ring, ", ".join(RINGS))
    return ring
