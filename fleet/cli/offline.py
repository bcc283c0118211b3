"""Commands that bring updates by file: packed in the office, applied on the box."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from base.errors import SettingInvalid
from fleet.channels.roles import PARTS
from fleet.cli.options import (
    Config,
    Fleet,
    RegistryAuthFile,
    RegistryCa,
    RegistryPlainHttp,
    Ring,
    access_of,
    check_ring,
    office_of,
    told,
)
from fleet.cli.updating import make_agent
from fleet.offline.carried_box import CarriedBox
from fleet.offline.packing import CHANNEL
from fleet.offline.packing import pack as write_file
from fleet.offline.unpacking import unpacked
from fleet.settings import SOURCES

_NAME = "HOST[:PORT]/NAME"
EngineImage = Annotated[str, typer.Option("--engine-image", help=f"{_NAME} of the engine's images; empty: left out.")]
GatewayImage = Annotated[str, typer.Option("--gateway-image", help=f"{_NAME} of the gateway's images.")]
BundleArtifact = Annotated[str, typer.Option("--bundle-artifact", help=f"{_NAME} of the bundles' artifacts.")]


def pack(
    ring: Ring,
    out: Annotated[Path, typer.Argument(metavar="OUT.tar", help="File to write.")],
    engine_image: EngineImage = "",
    gateway_image: GatewayImage = "",
    bundle_artifact: BundleArtifact = "",
    fleet: Fleet = Path("fleet"),
    registry_ca: RegistryCa = None,
    registry_auth_file: RegistryAuthFile = None,
    registry_plain_http: RegistryPlainHttp = None,
) -> None:
    """Write all that a ring is told into one file, for boxes without a network. Needs skopeo.

    sidewall-fleet pack all update.tar --engine-image registry.example/sidewall/sidewall-runtime
    """
    with told():
        office, _ = office_of(fleet, None)
        repositories = {"engine": engine_image, "gateway": gateway_image, "bundle": bundle_artifact}
        parts = [part for each in PARTS if (part := office.part(each, check_ring(ring))) is not None]
        if not any(repositories.values()):
            raise SettingInvalid("engine_image", "", f"at least one of the three, as {_NAME}")
        access = access_of(registry_ca, registry_auth_file, registry_plain_http)
        held = write_file(office.folder, parts, repositories, out, access)
    typer.echo(f"{out}: {', '.join(held) or 'no image'}; the channel of ring {ring}")


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `pack` wrote.")], config: Config = None
) -> None:
    """Do with a file what `agent --once` does with channel and registry, at once: no window, no spread. Needs skopeo.

    sidewall-fleet apply update.tar --config /etc/sidewall/fleet.toml
    """
    with told():
        settings = SOURCES.load(file=config)
        with unpacked(file, settings.state / "carried") as folder:
            here = replace(settings, channel=str(folder / CHANNEL), window="", spread_s=0.0)
            typer.echo(make_agent(here, CarriedBox(here, folder)).run())
