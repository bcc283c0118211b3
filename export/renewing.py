"""Add later sections to the manifest of a finished bundle: same networks, new digest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from export.errors import ExportFailed
from export.proof import kept_unproven
from export.sealing import seal_bundle
from runtime.bundle.files import read_manifest
from runtime.bundle.loading import check_content
from runtime.bundle.manifest import LATER_SECTIONS, SCHEMA_VERSION, Manifest
from runtime.bundle.manifest_reading import parse_manifest


def renew_bundle(
    bundle: Path, sections: Mapping[str, Mapping[str, Any]], version: str | None, key: Ed25519PrivateKey | None
) -> Manifest:
    """Put sections (name -> plain JSON) into a bundle's manifest, seal it with the key, and return the manifest.

    Other signatures go, and without a key it stays unsigned. Raises `ExportFailed` without a section, and
    `BundleRejected` when the bundle is not whole or a section does not fit: nothing is written then.
    """
    if not sections:
        raise ExportFailed(
            f"no section is given; allowed: one or more of {', '.join(sorted(LATER_SECTIONS - {'modes'}))}"
        )
    before = read_manifest(bundle, signed=False)
    manifest = parse_manifest(before.mapping)
    check_content(bundle, manifest)
    if "proof" in sections:
        sections = {**sections, "proof": kept_unproven(manifest.proof, sections["proof"])}
    changes = {"schema_version": SCHEMA_VERSION, **sections} | ({"version": version} if version else {})
    return seal_bundle(bundle, parse_manifest({**before.mapping, **changes}), key)
