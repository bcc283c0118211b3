"""A repository of an OCI registry as a store: every file an artifact of one layer, under a tag made of its name.

OCI image specification 1.1, "Guidelines for Artifact Usage"; OCI distribution specification 1.1, "Pull", "Push".
"""

import base64
import hashlib
import json
from typing import Any, Final
from urllib.parse import urljoin

import requests

from fleet.stores.store import FileAbsentThere, read_small
from trust.errors import RegistryFailed
from trust.registry.access import RegistryAccess
from trust.registry.asking import OCI_MANIFEST_TYPE, HttpPlace, repository_url
from trust.registry.reference import Reference

ARTIFACT_TYPE: Final = "application/vnd.sidewall.fleet.file.v1"
_EMPTY: Final = b"{}"
_EMPTY_TYPE: Final = "application/vnd.oci.empty.v1+json"
_FOLDER_IN_TAG: Final = "__"
"""In place of the `/` of a name, which no tag may hold."""

_LARGEST_INLINE_BYTES: Final = 64 << 10
"""What is smaller stands in the manifest itself, too (`data`), so that reading it is one question."""


class RegistryStore:
    """The artifacts of one repository (a `Store`)."""

    def __init__(self, reference: Reference, access: RegistryAccess) -> None:
        self._reference = reference
        self._place = HttpPlace(reference, access, repository_url(reference, access))
        self._url = self._place.url

    def close(self) -> None:
        """End the connections."""
        self._place.close()

    def read(self, name: str) -> bytes:
        """Return the content of a file; its digest is held against the artifact's."""
        try:
            manifest = json.loads(self._get(f"manifests/{_tag(name)}", name, OCI_MANIFEST_TYPE))
            (layer,) = manifest["layers"]
            digest, data = str(layer["digest"]), layer.get("data")
            content = self._get(f"blobs/{digest}", name) if data is None else base64.b64decode(data, validate=True)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RegistryFailed(f"{name} in {self._reference} is no artifact of one file") from error
        if _digest(content) != digest:
            raise RegistryFailed(f"{name} in {self._reference} has another digest than its artifact says")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Push a file and give it its tag."""
        for blob in (_EMPTY, content):
            self._push_blob(blob, name)
        inline = len(content) <= _LARGEST_INLINE_BYTES
        layer = _descriptor(ARTIFACT_TYPE, content)
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST_TYPE,
            "artifactType": ARTIFACT_TYPE,
            "config": _descriptor(_EMPTY_TYPE, _EMPTY),
            "layers": [layer | ({"data": base64.b64encode(content).decode()} if inline else {})],
            "annotations": {"org.opencontainers.image.title": name},
        }
        headers = {"Content-Type": OCI_MANIFEST_TYPE}
        body = json.dumps(manifest).encode()
        self._ask("PUT", f"{self._url}/manifests/{_tag(name)}", name, data=body, headers=headers).close()

    def names(self, folder: str) -> list[str]:
        """Return the names of a folder, from all pages of the registry's list of tags."""
        url, found = f"{self._url}/tags/list?n=1000", list[str]()
        while url:
            response = self._ask("GET", url, "the list of tags", absent_is_empty=True)
            with response:
                if response.status_code == requests.codes.not_found:
                    return []
                try:
                    found += [str(each) for each in response.json()["tags"] or []]
                except (ValueError, KeyError, TypeError) as error:
                    raise RegistryFailed(f"the list of tags of {self._reference} is none") from error
                following = response.links.get("next", {}).get("url", "")
                url = following and urljoin(url, following)
        beginning = f"{folder}{_FOLDER_IN_TAG}"
        return sorted(f"{folder}/{tag.removeprefix(beginning)}" for tag in found if tag.startswith(beginning))

    def _push_blob(self, content: bytes, name: str) -> None:
        digest = _digest(content)
        known = self._ask("HEAD", f"{self._url}/blobs/{digest}", name, absent_is_empty=True)
        known.close()
        if known.ok:
            return
        with self._ask("POST", f"{self._url}/blobs/uploads/", name) as begun:
            place = urljoin(self._url, begun.headers.get("Location", ""))
        headers = {"Content-Type": "application/octet-stream"}
        place += f"{'&' if '?' in place else '?'}digest={digest}"
        self._ask("PUT", place, name, data=content, headers=headers).close()

    def _get(self, path: str, name: str, kind: str = "*/*") -> bytes:
        response = self._place.get(path, kind)
        if response is None:
            raise FileAbsentThere(name)
        return read_small(self._place.chunks(response, name), name, self._reference)

    def _ask(
        self, method: str, url: str, name: str, *, absent_is_empty: bool = False, **options: Any
    ) -> requests.Response:
        response = self._place.ask(method, url, **options)
        if not (absent_is_empty and response.status_code == requests.codes.not_found):
            self._place.require(response, name)
        return response


def _tag(name: str) -> str:
    return name.replace("/", _FOLDER_IN_TAG)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}
