"""A bundle as an OCI artifact.

The artifact has one layer for manifest.json, one for manifest.sig, and one for every file of the bundle. The digest of
a layer is the SHA-256 that the manifest signs, so a pull takes nothing from the registry on trust: it reads manifest
and signature, and then asks for just the content that is signed.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

from base.chunks import read_whole
from runtime.bundle.files import HEAD_LIMITS
from runtime.bundle.manifest import MANIFEST_NAME, SIGNATURE_NAME, FileEntry
from trust.errors import BundleRejected
from trust.fields import decode_object

ARTIFACT_TYPE: Final = "application/vnd.sidewall.bundle.v1"
CONFIG_TYPE: Final = "application/vnd.sidewall.bundle.config.v1+json"
FILE_TYPE: Final = "application/vnd.sidewall.bundle.file.v1"
HEAD_TYPES: Final = {
    MANIFEST_NAME: "application/vnd.sidewall.bundle.manifest.v1+json",
    SIGNATURE_NAME: "application/vnd.sidewall.bundle.signature.v1+json",
}
TITLE: Final = "org.opencontainers.image.title"

ShowBytes = Callable[[int, int], None]
"""Takes how many bytes have come, and how many the registry says there are."""


class BlobReader(Protocol):
    """What holds the layers."""

    def read_blob(self, digest: str, name: str) -> Iterator[bytes]:
        """Return content by its digest; nothing is checked. The name is for errors."""
        ...


def artifact_digest(content: bytes) -> str:
    """Return sha256:... of an artifact's manifest as it stands."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def read_limited(chunks: Iterator[bytes], limit: int, name: str) -> bytes:
    """Return the content of all chunks; raises `BundleRejected` beyond a limit, in bytes."""
    return read_whole(chunks, limit, BundleRejected(f"{name} in the registry has more than {limit} bytes"))


class ArtifactSource:
    """The files of an artifact, each asked for by its content (a `BundleSource`)."""

    def __init__(self, blobs: BlobReader, content: bytes, show: ShowBytes = lambda done, total: None) -> None:
        mapping = decode_object(content, "the artifact")
        config = mapping.get("config")
        kind = config.get("mediaType") if isinstance(config, dict) else None
        if kind != CONFIG_TYPE:
            raise BundleRejected(f"the artifact is of kind {kind!r}; allowed: {CONFIG_TYPE!r}")
        layers = mapping.get("layers")
        self._layers = [each for each in layers if isinstance(each, dict)] if isinstance(layers, list) else []
        for layer in self._layers:
            _check_title(layer)
        self._blobs, self._show = blobs, show
        self._done = 0
        self._total = sum(size for layer in self._layers if type(size := layer.get("size")) is int)

    def head(self) -> tuple[bytes, bytes]:
        """Return manifest.json and manifest.sig, found by their media types."""
        return self._head_file(MANIFEST_NAME), self._head_file(SIGNATURE_NAME)

    def chunks(self, entry: FileEntry) -> Iterator[bytes]:
        """Return the content of one file, whatever the artifact says of it."""
        for chunk in self._blobs.read_blob(f"sha256:{entry.sha256}", entry.path):
            self._count(chunk)
            yield chunk

    def finish(self) -> None:
        """Do nothing: what was not asked for never came."""

    def _head_file(self, name: str) -> bytes:
        digests = [str(each.get("digest")) for each in self._layers if each.get("mediaType") == HEAD_TYPES[name]]
        if not digests and name == SIGNATURE_NAME:
            raise BundleRejected(f"the artifact has no {name}: it is not signed")
        if len(digests) != 1 or not re.fullmatch("sha256:[0-9a-f]{64}", digests[0]):
            raise BundleRejected(f"the artifact has {len(digests)} layers for {name}; allowed: one, with its SHA-256")
        content = read_limited(self._blobs.read_blob(digests[0], name), HEAD_LIMITS[name], name)
        if artifact_digest(content) != digests[0]:
            raise BundleRejected(f"{name} in the registry was altered: its SHA-256 is not that of the artifact")
        self._count(content)
        return content

    def _count(self, chunk: bytes) -> None:
        self._done += len(chunk)
        self._show(self._done, self._total)


def _check_title(layer: dict[str, Any]) -> None:
    """Raise `BundleRejected` on a layer whose title other tools would write outside their folder."""
    annotations = layer.get("annotations")
    title = annotations.get(TITLE) if isinstance(annotations, dict) else None
    if isinstance(title, str) and (title.startswith("/") or ".." in re.split(r"[/\\]", title)):
        raise BundleRejected(f"the artifact has a layer called {title!r}, which lies outside the bundle")
