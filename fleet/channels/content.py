"""What stands in the signed files: which images a ring should run, and what is held."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from fleet.channels.roles import PARTS, RINGS
from fleet.errors import ChannelRejected

SCHEMA_VERSION: Final = "1"
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
VERSION: Final = re.compile(r"\d{1,6}(\.\d{1,6}){1,3}")
BOX_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
NEVER: Final = datetime.max.replace(tzinfo=UTC)
_LONGEST_REASON: Final = 300


@dataclass(frozen=True)
class Image:
    """One thing to run, by what it is; where it comes from a box knows."""

    digest: str
    """sha256:... of the image, or of the bundle's artifact."""

    version: str
    """As people call it, such as 1.4.0."""


@dataclass(frozen=True)
class Part:
    """One part of a ring's channel."""

    ring: str
    part: str
    images: Mapping[str, Image]
    """By component; those that are missing stay as they are."""

    smallest_version: str
    """A component of a lesser version has to take a step in between."""

    not_before: datetime
    """UTC; no box begins earlier."""

    sequence: int = 0
    """Version of the role's metadata; it only grows."""

    expires: datetime = NEVER
    """UTC; of the role's metadata."""

    def content(self) -> bytes:
        """Return the signed file; sequence and expiry stand in the metadata that sign it."""
        mapping = {
            "schema_version": SCHEMA_VERSION,
            "ring": self.ring,
            "part": self.part,
            "images": {name: vars(each) for name, each in sorted(self.images.items())},
            "smallest_version": self.smallest_version,
            "not_before": time_text(self.not_before),
        }
        return _encode(mapping)


@dataclass(frozen=True)
class Holds:
    """What must not change, and why: it can only keep boxes from something new."""

    halted: str | None = None
    """Why nothing new begins anywhere; None where it may."""

    pins: Mapping[str, str] = field(default_factory=dict)
    """Name of a box that stays as it is -> why."""

    def content(self) -> bytes:
        """Return the signed file."""
        return _encode({"schema_version": SCHEMA_VERSION, "halted": self.halted, "pins": dict(self.pins)})


def parse_part(content: bytes, ring: str, part: str, sequence: int, expires: datetime) -> Part:
    """Read a signed file of that ring and part; raises `ChannelRejected` on anything that is not exactly one."""
    name = f"the {part} of ring {ring}"
    wanted = {"schema_version", "ring", "part", "images", "smallest_version", "not_before"}
    mapping = _decode(content, name, wanted)
    if (mapping["ring"], mapping["part"]) != (ring, part):
        raise ChannelRejected(f"{name} says that it is of {mapping['ring']!r}, {mapping['part']!r}")
    images = _object(mapping["images"], f"images of {name}")
    if not images or not set(images) <= set(PARTS[part]):
        raise ChannelRejected(f"{name} names {sorted(images)}; allowed: {', '.join(PARTS[part])}")
    return Part(
        ring,
        part,
        {each: _image(value, f"{each} of {name}") for each, value in images.items()},
        _text(mapping["smallest_version"], VERSION, f"smallest_version of {name}"),
        parse_time(mapping["not_before"], f"not_before of {name}"),
        sequence,
        expires,
    )


def parse_holds(content: bytes) -> Holds:
    """Read the signed file of holds; raises `ChannelRejected`."""
    mapping = _decode(content, "the file of holds", {"schema_version", "halted", "pins"})
    halted, pins = mapping["halted"], _object(mapping["pins"], "pins")
    for reason in ([] if halted is None else [halted]) + list(pins.values()):
        if not isinstance(reason, str) or not 0 < len(reason) <= _LONGEST_REASON:
            raise ChannelRejected(f"a reason of the file of holds is no text of 1 to {_LONGEST_REASON} characters")
    return Holds(halted, {_text(box, BOX_NAME, "a pinned box"): reason for box, reason in pins.items()})


def check_part(part: Part) -> Part:
    """Return the part as a box would read it; raises `ChannelRejected` where none would."""
    if part.ring not in RINGS or part.part not in PARTS:
        raise ChannelRejected(f"there is no {part.part!r} of ring {part.ring!r}; rings: {', '.join(RINGS)}")
    return parse_part(part.content(), part.ring, part.part, part.sequence, part.expires)


def version_key(version: str) -> tuple[int, ...]:
    """Return what orders versions: 1.10 comes after 1.9, and 1.2 is 1.2.0."""
    numbers = [int(each) for each in version.split(".")]
    return (*numbers, *(0 for _ in range(4 - len(numbers))))


def time_text(moment: datetime) -> str:
    """Return a moment as it stands in files: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(value: Any, name: str) -> datetime:
    """Read such a moment; raises `ChannelRejected`."""
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError) as error:
        raise ChannelRejected(f"{name} is {_shown(value)}; allowed: a moment such as 2027-01-31T04:00:00Z") from error


def _image(value: Any, name: str) -> Image:
    mapping = _object(value, name)
    if set(mapping) != {"digest", "version"}:
        raise ChannelRejected(f"{name} has {sorted(mapping)}; allowed: digest, version")
    return Image(_text(mapping["digest"], DIGEST, name), _text(mapping["version"], VERSION, f"version of {name}"))


def _encode(mapping: Mapping[str, Any]) -> bytes:
    return (json.dumps(mapping, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _decode(content: bytes, name: str, wanted: set[str]) -> dict[str, Any]:
    try:
        mapping = _object(json.loads(content), name)
    except (ValueError, RecursionError) as error:
        raise ChannelRejected(f"{name} is not whole JSON") from error
    if mapping.get("schema_version") != SCHEMA_VERSION or set(mapping) != wanted:
        said = f"schema_version {_shown(mapping.get('schema_version'))} and {sorted(mapping)}"
        raise ChannelRejected(f"{name} has {said}; allowed: {SCHEMA_VERSION!r}, {', '.join(sorted(wanted))}")
    return mapping


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ChannelRejected(f"{name} is {type(value).__name__}; allowed: an object")
    return value


def _text(value: Any, pattern: re.Pattern[str], name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ChannelRejected(f"{name} is {_shown(value)}; allowed: {pattern.pattern}")
    return value


def _shown(value: Any) -> str:
    return repr(value)[:100]
