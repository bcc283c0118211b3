"""A bundle's artifact that was carried here as a folder, without a registry: `skopeo copy docker://... dir:FOLDER`.

The folder has the artifact's manifest as `manifest.json` and each content under the hexadecimal figures of its SHA-256
(containers-transports(5), "dir:").
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from base.errors import SettingInvalid
from runtime.bundle.receiving import receive_bundle
from runtime.bundle.registry.artifact import ArtifactSource, artifact_digest, read_limited
from runtime.bundle.registry.store import BundleStore, StoredBundle
from trust.errors import BundleRejected

_LARGEST_MANIFEST_BYTES: Final = 4 << 20
_CHUNK_BYTES: Final = 1 << 20


class CarriedArtifact:
    """The files of such a folder (a `BlobReader`)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read_artifact(self) -> bytes:
        """Return the artifact's manifest as it stands; raises `SettingInvalid` where there is none."""
        file = self._folder / "manifest.json"
        try:
            chunks = self._chunks(file)
            return read_limited(chunks, _LARGEST_MANIFEST_BYTES, "the artifact")
        except OSError as error:
            raise SettingInvalid(
                "folder", str(self._folder), "an artifact as `skopeo copy` to dir: writes it"
            ) from error

    def read_blob(self, digest: str, name: str) -> Iterator[bytes]:
        """Return content by its digest; nothing is checked here."""
        try:
            yield from self._chunks(self._folder / digest.removeprefix("sha256:"))
        except OSError as error:
            raise BundleRejected(f"file {name} of the bundle is missing: {self._folder} has no {digest}") from error

    def _chunks(self, file: Path) -> Iterator[bytes]:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk


def add_bundle(folder: Path, store: BundleStore) -> StoredBundle:
    """Verify a carried bundle and keep it in the store, whole or not at all; return it.

    Raises `BundleRejected` with the reason, as a pull does, and `SettingInvalid`.
    """
    carried = CarriedArtifact(folder)
    content = carried.read_artifact()
    digest = artifact_digest(content)
    with store.changing():
        if not store.has(digest):
            receive_bundle(ArtifactSource(carried, content), store.path_of(digest), setting="bundle_store")
    return store.find(digest)
