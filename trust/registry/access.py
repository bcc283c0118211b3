"""How a registry is spoken to."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RegistryAccess:
    """What is not in the reference."""

    ca_file: Path | None = None
    """Who may sign the registry's certificate (PEM), in place of the public authorities."""

    auth_file: Path | None = None
    """Logins as `podman login --authfile` writes them; None looks where REGISTRY_AUTH_FILE says, then at the usual
    places.
    """

    plain_http: bool = False
    """http instead of https, to a registry on this machine only."""
