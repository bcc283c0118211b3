"""Where an OCI artifact lies, in the form that container tools use."""

import re
from dataclasses import dataclass
from typing import Final

from base.errors import SettingInvalid

OCI_PREFIX: Final = "oci:"
"""Stands before a reference where a folder may stand as well."""

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


def parse_reference(text: str, setting: str = "ref") -> Reference:
    """Read HOST[:PORT]/NAME[:TAG][@sha256:DIGEST]; raises `SettingInvalid` on anything else, a missing host too."""
    match = _REFERENCE.fullmatch(text)
    allowed = "HOST[:PORT]/NAME with :TAG or @sha256:DIGEST, the host with a dot or a port"
    if match is None or not (match["tag"] or match["digest"]) or not re.search("[.:]", match["host"]):
        raise SettingInvalid(setting, text, allowed)
    return Reference(match["host"], match["name"], match["tag"], match["digest"])
