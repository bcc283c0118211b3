"""What a box says of itself: nothing of a case, signed with the box's own key (Ed25519 over canonical JSON)."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fleet.channels.content import BOX_NAME, DIGEST, parse_time, time_text
from fleet.channels.roles import RINGS
from fleet.errors import ChannelRejected, StatusRejected
from trust.signing import canonical_json

SCHEMA_VERSION: Final = "1"
COMPONENTS: Final = ("engine", "gateway", "bundle")
SILENCES: Final = ("engine", "gateway", "podman", "bundle_store", "disk")
"""What may have given no answer when the status was made."""

_LONGEST_TEXT: Final = 100
_MOST_FAILED: Final = 100


@dataclass(frozen=True)
class Running:
    """What a box really runs: asked of the container, not of what it was told to run."""

    digest: str
    version: str
    since: datetime
    """UTC; when this digest was first seen running without another between."""


@dataclass(frozen=True)
class BoxStatus:
    """One box at one moment."""

    box: str
    ring: str
    written_at: datetime
    agent_version: str
    running: Mapping[str, Running]
    """By component; one that could not be asked is missing."""

    failed: tuple[str, ...]
    """Digests that the box went back from."""

    self_test_passed: bool | None
    """Whether the engine's golden case has passed at its last start; None where it gave no answer."""

    queue_oldest_s: float | None
    """For how long the oldest study waits, or is under way; 0 without one."""

    audit_entry: int | None
    """Number of the last entry in the gateway's chain of changes."""

    audit_digest: str | None
    """Digest of that entry: an office that keeps it notices a chain that was written anew."""

    drift_ratio: float | None
    """Median distance of the images since the start, to the limit of the gate; None under ten images."""

    certificate_days: float | None
    """Days to the end of the certificate that ends first; None without one."""

    disk_free_bytes: int | None
    disk_bytes: int | None
    silent: tuple[str, ...]
    """What gave no answer, of `SILENCES`."""

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types."""
        running = {name: asdict(each) | {"since": time_text(each.since)} for name, each in self.running.items()}
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        lists = {"failed": list(self.failed), "silent": list(self.silent)}
        return named | lists | {"running": running, "written_at": time_text(self.written_at)}


def seal(status: BoxStatus, key: Ed25519PrivateKey) -> bytes:
    """Return the signed status as it lies in the inventory."""
    signed = {"schema_version": SCHEMA_VERSION} | status.to_mapping()
    signature = base64.b64encode(key.sign(canonical_json(signed))).decode()
    return (json.dumps({"signed": signed, "signature": signature}, sort_keys=True) + "\n").encode()


def open_sealed(content: bytes, box: str, key: Ed25519PublicKey) -> BoxStatus:
    """Read the status of a box; raises `StatusRejected` unless its own key signed it, whole and about itself."""
    try:
        envelope = json.loads(content)
        signed, signature = envelope["signed"], base64.b64decode(envelope["signature"], validate=True)
        key.verify(signature, canonical_json(signed))
    except InvalidSignature as error:
        raise StatusRejected(f"the status of {box} is not signed with its key") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StatusRejected(f"the status of {box} is no signed status") from error
    if signed.get("schema_version") != SCHEMA_VERSION:
        raise StatusRejected(f"the status of {box} has another schema_version; allowed: {SCHEMA_VERSION!r}")
    try:
        status = _parse({name: value for name, value in signed.items() if name != "schema_version"})
    except (ChannelRejected, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StatusRejected(f"the status of {box} has a field that is none") from error
    if status.box != box:
        raise StatusRejected(f"the status of {box} says that it is of {status.box}")
    return status


def _parse(mapping: dict[str, Any]) -> BoxStatus:
    running = {
        _one_of(name, COMPONENTS): Running(
            _matching(each["digest"], DIGEST), _text(each["version"]), parse_time(each["since"], "since")
        )
        for name, each in mapping["running"].items()
    }
    numbers = ("queue_oldest_s", "audit_entry", "drift_ratio", "certificate_days", "disk_free_bytes", "disk_bytes")
    for name in numbers:
        if mapping[name] is not None and (
            isinstance(mapping[name], bool) or not isinstance(mapping[name], int | float)
        ):
            raise ValueError(name)
    if mapping["self_test_passed"] not in (True, False, None) or len(mapping["failed"]) > _MOST_FAILED:
        raise ValueError("self_test_passed, failed")
    _text(mapping["agent_version"])
    _text(mapping["audit_digest"] or "none")
    return BoxStatus(
        **mapping
        | {
            "box": _matching(mapping["box"], BOX_NAME),
            "ring": _one_of(mapping["ring"], RINGS),
            "written_at": parse_time(mapping["written_at"], "written_at"),
            "running": running,
            "failed": tuple(_matching(each, DIGEST) for each in mapping["failed"]),
            "silent": tuple(_one_of(each, SILENCES) for each in mapping["silent"]),
        }
    )


def _matching(value: Any, pattern: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(pattern.pattern)
    return value


def _one_of(value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(allowed)
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        raise ValueError("a short text")
    return value
