"""Which bundle, and from where."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.settings import Parser, Section
from trust.registry.reference import OCI_PREFIX, Reference, parse_reference

BundlePlace = Path | Reference
"""A folder, or where a registry has it."""


@dataclass(frozen=True)
class BundleSettings(Section):
    """Which bundle is loaded, where pulled ones are kept, and how a registry is spoken to."""

    bundle: BundlePlace | None = None
    """Directory of the model bundle, or `oci:HOST/NAME` with `:TAG` or `@sha256:DIGEST` to pull it from a registry;
    commands that analyse need one.
    """

    bundle_store: Path = Path("/var/lib/sidewall/bundles")
    """Folder that keeps pulled bundles."""

    registry_ca: Path | None = None
    """Who may sign the certificate of the bundles' registry (PEM), in place of the public authorities."""

    registry_auth_file: Path | None = None
    """Logins as `podman login --authfile` writes them; without it the file that REGISTRY_AUTH_FILE names, podman's own,
    docker's own.
    """

    registry_plain_http: bool = False
    """Speak http instead of https with a registry on this machine; one elsewhere is refused."""


def _to_bundle_place(value: Any) -> BundlePlace:
    text = str(value)
    return parse_reference(text[len(OCI_PREFIX) :], "bundle") if text.startswith(OCI_PREFIX) else Path(text)


BUNDLE_PLACE: Parser = (_to_bundle_place, "a path, or oci:HOST[:PORT]/NAME with :TAG or @sha256:DIGEST")
