"""Bundles as OCI artifacts: pushed to and pulled from a registry with `oras`.

The artifact has one layer for manifest.json, one for manifest.sig, and one for every file of the bundle. The digest of
a layer is the SHA-256 that the manifest signs, so a pull takes nothing from the registry on trust: it reads manifest
and signature, and then asks for just the content that is signed.
"""

import hashlib
import ipaddress
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import oras.provider
import requests
import urllib3
from requests.adapters import HTTPAdapter

from export.errors import RegistryFailed
from runtime.bundle import Bundle, load_bundle
from runtime.bundle.fields import decode_object
from runtime.bundle.files import HEAD_LIMITS
from runtime.bundle.manifest import MANIFEST_NAME, SIGNATURE_NAME, FileEntry
from runtime.bundle.receiving import receive_bundle
from runtime.core.errors import BundleRejected, SettingInvalid

ARTIFACT_TYPE: Final = "application/vnd.sidewall.bundle.v1"
CONFIG_TYPE: Final = "application/vnd.sidewall.bundle.config.v1+json"
FILE_TYPE: Final = "application/vnd.sidewall.bundle.file.v1"
HEAD_TYPES: Final = {
    MANIFEST_NAME: "application/vnd.sidewall.bundle.manifest.v1+json",
    SIGNATURE_NAME: "application/vnd.sidewall.bundle.signature.v1+json",
}
TIMEOUT_S: Final = 60.0
"""Longest wait for a connection or for the next bytes."""

_OCI_MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
_LARGEST_OCI_MANIFEST_BYTES: Final = 4 << 20
"""What registries themselves allow."""

_CHUNK_BYTES: Final = 1 << 20
_REFERENCE: Final = re.compile(
    r"(?P<host>[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:\d{1,5})?)"
    r"/(?P<name>[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)"
    r"(:(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"(@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Reference:
    """Where an artifact lies: HOST[:PORT]/NAME with a tag, a digest, or both (the digest then counts)."""

    host: str
    name: str
    tag: str | None
    digest: str | None

    def __str__(self) -> str:
        """Return the usual text form."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.host}/{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> Reference:
    """Read HOST[:PORT]/NAME[:TAG][@sha256:DIGEST]; raises `SettingInvalid` on anything else, a missing host too."""
    match = _REFERENCE.fullmatch(text)
    allowed = "HOST[:PORT]/NAME with :TAG or @sha256:DIGEST, the host with a dot or a port"
    if match is None or not (match["tag"] or match["digest"]) or not re.search("[.:]", match["host"]):
        raise SettingInvalid("ref", text, allowed)
    return Reference(match["host"], match["name"], match["tag"], match["digest"])


def push_bundle(
    folder: Path, reference: Reference, trusted_keys: Path | None = None, *, plain_http: bool = False
) -> str:
    """Push a bundle under a tag and return the digest of the artifact, by which to pull just this one.

    What no box would open is not pushed: raises `BundleRejected` when the bundle is not sound or not trusted here, and
    `RegistryFailed` when the registry does not take it.
    """
    if reference.tag is None or reference.digest is not None:
        raise SettingInvalid("ref", str(reference), "a tag, and no digest: the registry's answer gives that")
    bundle = load_bundle(folder, trusted_keys)
    heads = [_layer(HEAD_TYPES[name], name, *_measure(folder / name)) for name in HEAD_TYPES]
    files = [_layer(FILE_TYPE, entry.path, entry.sha256, entry.bytes) for entry in bundle.manifest.files]
    with _connected(reference, plain_http) as registry, tempfile.TemporaryDirectory() as scratch:
        for layer in (*heads, *files):
            registry.upload(folder / layer["annotations"][oras.defaults.annotation_title], layer)
        empty = Path(scratch) / "config.json"
        empty.write_bytes(b"{}")
        config = {"mediaType": CONFIG_TYPE, "digest": f"sha256:{_measure(empty)[0]}", "size": 2}
        registry.upload(empty, config)
        return registry.upload_artifact(_artifact(bundle, config, [*heads, *files]))


def pull_bundle(
    reference: Reference, target: Path, trusted_keys: Path | None = None, *, plain_http: bool = False
) -> tuple[Bundle, str]:
    """Pull a bundle into a folder that does not exist yet; return it opened there, and the artifact's digest.

    It passes the same judgement as an unpacked bundle before it gets its name (`receive_bundle`). Raises
    `BundleRejected` with the reason, `RegistryFailed` when the registry is out of reach or breaks off.
    """
    with _connected(reference, plain_http) as registry:
        content = registry.read_artifact()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if reference.digest not in (None, digest):
            raise BundleRejected(f"the registry answers with artifact {digest}; asked for {reference.digest}")
        return receive_bundle(_Artifact(registry, content), target, trusted_keys), digest


class _Artifact:
    """The files of an artifact, each asked for by its content."""

    def __init__(self, registry: "_Registry", content: bytes) -> None:
        mapping = decode_object(content, "the artifact")
        config = mapping.get("config")
        kind = config.get("mediaType") if isinstance(config, dict) else None
        if kind != CONFIG_TYPE:
            raise BundleRejected(f"the artifact is of kind {kind!r}; allowed: {CONFIG_TYPE!r}")
        layers = mapping.get("layers")
        self._layers = [each for each in layers if isinstance(each, dict)] if isinstance(layers, list) else []
        self._registry = registry

    def head(self) -> tuple[bytes, bytes]:
        """Return manifest.json and manifest.sig, found by their media types."""
        return self._head_file(MANIFEST_NAME), self._head_file(SIGNATURE_NAME)

    def chunks(self, entry: FileEntry) -> Iterator[bytes]:
        """Return the content of one file, whatever the artifact says of it."""
        return self._registry.read_blob(f"sha256:{entry.sha256}", entry.path)

    def finish(self) -> None:
        """Do nothing: what was not asked for never came."""

    def _head_file(self, name: str) -> bytes:
        digests = [str(each.get("digest")) for each in self._layers if each.get("mediaType") == HEAD_TYPES[name]]
        if len(digests) != 1 or not re.fullmatch("sha256:[0-9a-f]{64}", digests[0]):
            raise BundleRejected(f"the artifact has {len(digests)} layers for {name}; allowed: one, with its SHA-256")
        return _limited(self._registry.read_blob(digests[0], name), HEAD_LIMITS[name], name)


class _Registry(oras.provider.Registry):  # type: ignore[misc]
    """One registry, asked once: `oras` would wait for minutes and never give up on a silent peer."""

    def __init__(self, reference: Reference, *, plain_http: bool) -> None:
        if plain_http and not _is_loopback(reference.host):
            raise SettingInvalid("plain_http", reference.host, "a registry on this machine; others need https")
        super().__init__(hostname=reference.host, insecure=plain_http)
        self._reference = reference
        self._container = self.get_container(str(reference))
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, _PatientAdapter())
        self.session.trust_env = not plain_http  # A proxy has no business between a machine and itself.
        self.auth.load_configs(self._container)

    def do_request(self, *arguments: Any, **options: Any) -> requests.Response:
        """Ask once, and say in the words of export what failed."""
        try:
            response: requests.Response = super().do_request.__wrapped__(self, *arguments, **options)
        except requests.RequestException as error:
            # Its text may hold the token of a redirected address.
            reason = type(error).__name__
            raise RegistryFailed(f"the registry of {self._reference} does not answer ({reason})") from error
        except ValueError as error:
            raise RegistryFailed(f"the registry of {self._reference} wants a login (docker login)") from error
        return response

    def read_artifact(self) -> bytes:
        """Return the artifact's manifest as it stands."""
        url = f"{self.prefix}://{self._container.manifest_url()}"
        response = self.do_request(url, headers={"Accept": _OCI_MANIFEST_TYPE}, stream=True)
        if response.status_code == requests.codes.not_found:
            response.close()
            raise RegistryFailed(f"the registry has no {self._reference}")
        self._require(response, "the artifact")
        return _limited(self._stream(response, "the artifact"), _LARGEST_OCI_MANIFEST_BYTES, "the artifact")

    def read_blob(self, digest: str, name: str) -> Iterator[bytes]:
        """Return content by its digest, uncompressed as it was pushed; nothing is checked here."""
        url = f"{self.prefix}://{self._container.get_blob_url(digest)}"
        response = self.do_request(url, headers={"Accept-Encoding": "identity"}, stream=True)
        if response.status_code == requests.codes.not_found:
            response.close()
            raise BundleRejected(f"file {name} of the bundle is missing: the registry has no content {digest}")
        self._require(response, name)
        return self._stream(response, name)

    def upload(self, path: Path, layer: dict[str, Any]) -> None:
        """Push a file under the digest of its layer, unless it is there."""
        try:
            response = self.upload_blob(str(path), self._container, layer)
        except (ValueError, OSError) as error:
            raise RegistryFailed(f"the registry does not take {path.name} for {self._reference}") from error
        self._require(response, path.name)

    def upload_artifact(self, manifest: dict[str, Any]) -> str:
        """Push the artifact's manifest under the tag and return its digest."""
        response = self.upload_manifest(manifest, self._container)
        self._require(response, "the artifact")
        body = response.request.body
        content = body.encode() if isinstance(body, str) else body
        return f"sha256:{hashlib.sha256(content or b'').hexdigest()}"

    def _require(self, response: requests.Response, name: str) -> None:
        if not response.ok:
            response.close()
            raise RegistryFailed(
                f"the registry answers {response.status_code} {response.reason} on {name} of {self._reference}"
            )

    def _stream(self, response: requests.Response, name: str) -> Iterator[bytes]:
        with response:
            try:
                yield from response.raw.stream(_CHUNK_BYTES, decode_content=False)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise RegistryFailed(f"the registry broke off in {name} of {self._reference}") from error


@contextmanager
def _connected(reference: Reference, plain_http: bool) -> Iterator[_Registry]:
    registry = _Registry(reference, plain_http=plain_http)
    try:
        yield registry
    finally:
        registry.session.close()


class _PatientAdapter(HTTPAdapter):
    """Gives every request the timeout that `oras` leaves out."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send with a timeout."""
        return super().send(request, **options | {"timeout": TIMEOUT_S})


def _artifact(bundle: Bundle, config: dict[str, Any], layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the artifact's manifest: no date, so that the same bundle always has the same digest."""
    return {
        "schemaVersion": 2,
        "mediaType": _OCI_MANIFEST_TYPE,
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
    title = {oras.defaults.annotation_title: name}
    return {"mediaType": kind, "digest": f"sha256:{sha256}", "size": size, "annotations": title}


def _measure(path: Path) -> tuple[str, int]:
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)


def _limited(chunks: Iterator[bytes], limit: int, name: str) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > limit:
            raise BundleRejected(f"{name} in the registry has more than {limit} bytes")
    return bytes(content)


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] or host
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
