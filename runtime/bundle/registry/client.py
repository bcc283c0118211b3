"""One repository of a registry, asked over HTTP (OCI distribution specification 1.1, "Pulling").

Kept to what a pull needs, on `requests`: the usual client would bring a schema validator into the image and leave
timeouts, Basic logins and the choice of the login file to us all the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runtime.bundle.loading import Bundle
from runtime.bundle.receiving import receive_bundle
from runtime.bundle.registry.artifact import (
    ArtifactSource,
    ShowBytes,
    artifact_digest,
    read_limited,
)
from trust.errors import BundleRejected, RegistryFailed
from trust.registry.access import RegistryAccess
from trust.registry.asking import OCI_MANIFEST_TYPE, HttpPlace, repository_url
from trust.registry.reference import Reference

_LARGEST_OCI_MANIFEST_BYTES: Final = 4 << 20
"""What registries themselves allow."""


def pull_bundle(
    reference: Reference, target: Path, trusted_keys: Path | None = None, *, access: RegistryAccess
) -> tuple[Bundle, str]:
    """Pull a bundle into a folder that does not exist yet; return it opened there, and the artifact's digest.

    It passes the same judgement as an unpacked bundle before it gets its name (`receive_bundle`). Raises
    `BundleRejected` with the reason, `RegistryFailed` when the registry is out of reach or breaks off.
    """
    with connected(reference, access) as repository:
        content = repository.read_artifact()
        return receive_bundle(ArtifactSource(repository, content), target, trusted_keys), artifact_digest(content)


def current_digest(reference: Reference, access: RegistryAccess) -> str:
    """Return the digest of the artifact that a reference is now; raises what `pull_bundle` does."""
    with connected(reference, access) as repository:
        return artifact_digest(repository.read_artifact())


@contextmanager
def connected(reference: Reference, access: RegistryAccess) -> Iterator["Repository"]:
    """Give the repository of a reference, and close what is open in the end; raises `SettingInvalid`."""
    place = HttpPlace(reference, access, repository_url(reference, access))
    try:
        yield Repository(reference, place)
    finally:
        place.close()


class Repository:
    """One repository, asked once for each thing; who starts the program tries again."""

    def __init__(self, reference: Reference, place: HttpPlace) -> None:
        self._reference, self._place = reference, place
        self.proxy = place.proxy
        """host:port of the proxy through which the registry is asked, if there is one."""

    def read_artifact(self) -> bytes:
        """Return the artifact's manifest as it stands; one that is not the pinned one raises `BundleRejected`."""
        wanted = self._reference.digest
        response = self._place.get(f"manifests/{wanted or self._reference.tag}", OCI_MANIFEST_TYPE)
        if response is None:
            raise RegistryFailed(f"the registry has no {self._reference}")
        chunks = self._place.chunks(response, "the artifact")
        content = read_limited(chunks, _LARGEST_OCI_MANIFEST_BYTES, "the artifact")
        digest = artifact_digest(content)
        if wanted not in (None, digest):
            raise BundleRejected(f"the registry answers with artifact {digest}; asked for {wanted}")
        return content

    def read_blob(self, digest: str, name: str) -> Iterator[bytes]:
        """Return content by its digest; nothing is checked here."""
        response = self._place.get(f"blobs/{digest}")
        if response is None:
            raise BundleRejected(f"file {name} of the bundle is missing: the registry has no content {digest}")
        return self._place.chunks(response, name)

    def receive(self, content: bytes, target: Path, show: ShowBytes) -> Bundle:
        """Write the bundle of an artifact to a folder that does not exist yet; raises what `receive_bundle` does."""
        return receive_bundle(ArtifactSource(self, content, show), target, setting="bundle_store")
