"""The settings of a box: who it is, which channel it follows, and whom it asks about itself.

A setting comes from the environment (`SIDEWALL_FLEET_` and its name in capitals), else from a TOML file (`--config`,
`SIDEWALL_FLEET_CONFIG`), else it has its default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from base.environment import FLEET_PREFIX
from base.settings import Range, Section, Sources, within
from fleet.channels.content import BOX_NAME
from fleet.channels.roles import RINGS
from trust.registry.access import RegistryAccess


@dataclass(frozen=True)
class BoxSettings(Section):
    """The effective settings; raises `SettingInvalid` on a value outside its range."""

    box: str = "box"
    """Name of this box in its fleet, a site's word and a number; never a patient's or a person's."""

    ring: str = "all"
    """Ring whose channel this box follows."""

    inventory: str = "/var/lib/sidewall-fleet/inventory"
    """Where the status of this box is left: a folder, or `oci:HOST[:PORT]/NAME`."""

    status_key: Path = Path("/etc/sidewall/box.pem")
    """Private key that signs the status; the office has the public one."""

    state: Path = Path("/var/lib/sidewall-fleet")
    """Folder of what this box remembers."""

    engine_metrics: str = "127.0.0.1:9464"
    """host:port at which the engine answers Prometheus; empty where this box has no engine."""

    gateway_status: str = "podman exec sidewall-gateway sidewall-gateway status --json"
    """Command that prints the gateway's status; empty where this box has no gateway."""

    engine_container: str = "sidewall"
    """Name of the engine's container for podman; empty without podman."""

    gateway_container: str = "sidewall-gateway"
    """Name of the gateway's container for podman; empty where this box has no gateway."""

    bundle_store: Path | None = None
    """Folder that keeps pulled bundles, whose `current` serves; none where the bundle is a mounted folder."""

    disk: Path = Path("/var/lib")
    """Any place on the disk whose room is told."""

    patience_s: float = 20.0
    """How long engine, gateway and podman may take to answer."""

    registry_ca: Path | None = None
    """Who may sign the registry's certificate (PEM), in place of the public authorities."""

    registry_auth_file: Path | None = None
    """Logins as `podman login --authfile` writes them."""

    registry_plain_http: bool = False
    """http to the registry, on this machine only."""

    ranges: ClassVar[Mapping[str, Range]] = {
        "box": (lambda value: bool(BOX_NAME.fullmatch(value)), f"a name: {BOX_NAME.pattern}"),
        "ring": (lambda value: value in RINGS, " or ".join(RINGS)),
        "patience_s": within(1.0, 600.0, "s"),
    }

    @property
    def access(self) -> RegistryAccess:
        """How the registry is spoken to."""
        return RegistryAccess(self.registry_ca, self.registry_auth_file, self.registry_plain_http)


SOURCES: Final = Sources(BoxSettings, FLEET_PREFIX)
