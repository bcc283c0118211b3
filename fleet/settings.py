"""The settings of a box: who it is, which channel it follows, and whom it asks about itself.

A setting comes from the environment (`SIDEWALL_FLEET_` and its name in capitals), else from a TOML file (`--config`,
`SIDEWALL_FLEET_CONFIG`), else it has its default.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from base.environment import FLEET_PREFIX
from base.settings import Range, Section, Sources, within
from fleet.channels.content import BOX_NAME
from fleet.channels.roles import RINGS
from trust.registry.access import RegistryAccess

WINDOW: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class AgentSettings(Section):
    """How this box takes up what its channel says."""

    channel: str = ""
    """Where the channel lies: a folder, `oci:HOST[:PORT]/NAME`, or `https://HOST/PATH`."""

    root: Path = Path("/etc/sidewall/root.json")
    """The fleet's root.json that this box was given."""

    window: str = ""
    """When an update may begin, HH:MM-HH:MM in this box's own time; empty for the whole day."""

    spread_s: float = 3600.0
    """Over how long the boxes of a ring begin, each at a time of its own."""

    engine_image: str = ""
    """HOST[:PORT]/NAME of the engine's images; empty where the agent leaves the engine alone."""

    gateway_image: str = ""
    """HOST[:PORT]/NAME of the gateway's images; empty where the agent leaves it alone."""

    bundle_artifact: str = ""
    """HOST[:PORT]/NAME of the bundles' artifacts; empty where the agent leaves the bundle alone."""

    signature_policy: Path = Path("/etc/containers/policy.json")
    """Whose images podman takes (containers-policy.json(5)); one that takes unsigned ones is refused."""

    engine_unit_file: Path = Path("/etc/containers/systemd/sidewall.container")
    """File that says which image the engine's unit runs; a generated unit where podman reads no Quadlet."""

    gateway_unit_file: Path = Path("/etc/containers/systemd/sidewall-gateway.container")
    """The same of the gateway."""

    engine_health: str = "podman exec sidewall sidewall health"
    """Command that succeeds once the engine serves, its golden case passed."""

    gateway_health: str = "podman exec sidewall-gateway sidewall-gateway health"
    """Command that succeeds once the gateway takes studies."""

    self_test: str = ""
    """Command that sends a phantom study through the whole path and succeeds once its result is back; empty: none."""

    bundle_command: str = (
        "podman run --rm --no-healthcheck --user 10001 --volume /srv/sidewall/store:/var/lib/sidewall/bundles "
        "{image} bundle"
    )
    """Command to which `pull`, `use` and `remove` of a bundle are added; `{image}` becomes the engine's image."""

    drain_s: float = 900.0
    """How long is waited for the engine to have no case under way, before it is stopped all the same."""

    ready_s: float = 600.0
    """How long a component may take to serve after its start."""

    self_test_s: float = 900.0
    """How long the self-test may take."""

    steady_s: float = 120.0
    """For how long everything must go on after that, before something new counts as proved."""

    pull_s: float = 7200.0
    """How long the pull of one image may take."""

    keep_hours: float = 24.0
    """For how long something new must be good before what ran before it is removed."""

    disk_reserve_mb: float = 2000.0
    """Room (10^6 bytes) that a pull has to leave."""

    ranges: ClassVar[Mapping[str, Range]] = {
        "window": (lambda text: not text or bool(WINDOW.fullmatch(text)), "HH:MM-HH:MM, or empty"),
        "spread_s": within(0.0, 7 * 86400.0, "s"),
        "drain_s": within(0.0, 86400.0, "s"),
        "ready_s": within(1.0, 86400.0, "s"),
        "self_test_s": within(1.0, 86400.0, "s"),
        "steady_s": within(0.0, 86400.0, "s"),
        "pull_s": within(1.0, 7 * 86400.0, "s"),
        "keep_hours": within(0.0, 1000.0, "h"),
        "disk_reserve_mb": within(0.0, 1e6, "MB"),
    }


@dataclass(frozen=True)
class BoxSettings(AgentSettings):
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
