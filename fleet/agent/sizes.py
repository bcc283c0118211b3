"""How much an image weighs, asked of its registry before anything is pulled."""

import json
from typing import Final

from fleet.errors import ImageRefused
from trust.errors import RegistryFailed
from trust.registry.access import RegistryAccess
from trust.registry.asking import OCI_MANIFEST_TYPE, HttpPlace, repository_url
from trust.registry.reference import parse_reference

_TYPES: Final = f"{OCI_MANIFEST_TYPE}, application/vnd.docker.distribution.manifest.v2+json"
_LARGEST_MANIFEST_BYTES: Final = 4 << 20


def compressed_bytes(text: str, access: RegistryAccess) -> int:
    """Return the size of all layers of HOST/NAME@DIGEST as they are sent.

    Raises `RegistryFailed`, and `ImageRefused` where the digest names no image of one platform.
    """
    reference = parse_reference(text)
    place = HttpPlace(reference, access, repository_url(reference, access))
    try:
        answer = place.get(f"manifests/{reference.digest}", _TYPES)
        if answer is None:
            raise RegistryFailed(f"the registry has no {reference}")
        content = b"".join(place.chunks(answer, str(reference.digest)))[:_LARGEST_MANIFEST_BYTES]
    finally:
        place.close()
    try:
        return sum(int(layer["size"]) for layer in json.loads(content)["layers"])
    except (ValueError, KeyError, TypeError) as error:
        raise ImageRefused(f"{reference} is no image of one platform; its digest has to name one") from error
