"""Bundles to a registry as OCI artifacts, with `oras`; their form is that of `runtime.bundle.registry.artifact`."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import oras.provider
import requests

from base.errors import SettingInvalid
from runtime.bundle.loading import Bundle, load_bundle
from runtime.bundle.registry.artifact import (
    ARTIFACT_TYPE,
    CONFIG_TYPE,
    FILE_TYPE,
    HEAD_TYPES,
    TITLE,
    artifact_digest,
)
from trust.errors import RegistryFailed
from trust.registry.access import RegistryAccess
from trust.registry.answers import require_answer, unanswered
from trust.registry.asking import OCI_MANIFEST_TYPE
from trust.registry.reference import Reference
from trust.registry.session import open_session, proxy_of


def push_bundle(folder: Path, reference: Reference, trusted_keys: Path | None = None, *, access: RegistryAccess) -> str:
    """Push a bundle under the tag of a reference and return the digest of the artifact, by which to pull just this one.

    What no box would open is not pushed: raises `BundleRejected` when the bundle is not sound or not trusted here, and
    `RegistryFailed` when the registry does not take it.
    """
    if reference.tag is None or reference.digest is not None:
        raise SettingInvalid("ref", str(reference), "a tag, and no digest: the registry's answer gives that")
    bundle = load_bundle(folder, trusted_keys)
    heads = [_layer(HEAD_TYPES[name], name, *_measure(folder / name)) for name in HEAD_TYPES]
    files = [_layer(FILE_TYPE, entry.path, entry.sha256, entry.bytes) for entry in bundle.manifest.files]
    with _connected(reference, access) as registry, tempfile.TemporaryDirectory() as scratch:
        for layer in (*heads, *files):
            registry.upload(folder / layer["annotations"][TITLE], layer)
        empty = Path(scratch) / "config.json"
        empty.write_bytes(b"{}")
        config = {"mediaType": CONFIG_TYPE, "digest": f"sha256:{_measure(empty)[0]}", "size": 2}
        registry.upload(empty, config)
        return registry.upload_artifact(_artifact(bundle, config, [*heads, *files]))


class _Registry(oras.provider.Registry):  # type: ignore[misc]
    """One registry, asked once: `oras` would wait for minutes and never give up on a silent peer."""

    def __init__(self, reference: Reference, access: RegistryAccess) -> None:
        super().__init__(hostname=reference.host, insecure=access.plain_http)
        self.session = open_session(reference, access)
        self._reference = reference
        self._container = self.get_container(str(reference))

    def do_request(self, url: str, method: str = "GET", **options: Any) -> requests.Response:
        """Ask once, logged in as a pull is, and say what failed."""
        try:
            response = self.session.request(method, url, **options)
        except requests.RequestException as error:
            raise unanswered(self._reference, error, proxy_of(self.session, url)) from error
        if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            require_answer(response, "the push", self._reference)
        return response

    def upload(self, path: Path, layer: dict[str, Any]) -> None:
        """Push a file under the digest of its layer, unless it is there."""
        try:
            response = self.upload_blob(str(path), self._container, layer)
        except (ValueError, OSError) as error:
            raise RegistryFailed(f"the registry does not take {path.name} for {self._reference}") from error
        require_answer(response, path.name, self._reference)

    def upload_artifact(self, manifest: dict[str, Any]) -> str:
        """Push the artifact's manifest under the tag and return its digest."""
        response = self.upload_manifest(manifest, self._container)
        require_answer(response, "the artifact", self._reference)
        body = response.request.body
        content = body.encode() if isinstance(body, str) else body
        return artifact_digest(content or b"")


@contextmanager
def _connected(reference: Reference, access: RegistryAccess) -> Iterator[_Registry]:
    registry = _Registry(reference, access)
    try:
        yield registry
    finally:
        registry.session.close()


def _artifact(bundle: Bundle, config: dict[str, Any], layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the artifact's manifest: no date, so that the same bundle always has the same digest."""
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST_TYPE,
        "artifactType": ARTIFACT_TYPE,
        "config": config,
        "layers": layers,
        "annotations": {
            "org.opencontainers.image.title": bundle.name,
            "org.opencontainers.image.version": bundle.version,
            "vnd.sidewall.bundle.digest": bundle.digest,
            "vnd.sidewall.bundle.trained-on": bundle.trained_on,
        },
    }


def _layer(kind: str, name: str, sha256: str, size: int) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{sha256}", "size": size, "annotations": {TITLE: name}}


def _measure(path: Path) -> tuple[str, int]:
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)
