"""Content that comes in parts, from where nobody promises how much comes."""

from collections.abc import Iterable


def read_whole(chunks: Iterable[bytes], limit_bytes: int, too_large: Exception) -> bytes:
    """Return the content of all chunks; raises `too_large` as soon as there are more than `limit_bytes`."""
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > limit_bytes:
            raise too_large
    return bytes(content)
