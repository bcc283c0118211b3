"""What an agent makes of its channel: which parts are to be brought in now, and why the others are not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleet.agent.box import Placed
from fleet.agent.journal import Journal
from fleet.agent.timing import may_begin
from fleet.channels.content import Image, Part, time_text, version_key
from fleet.channels.following import Look


@dataclass(frozen=True)
class Manner:
    """How a box takes up what it is told."""

    box: str
    window: str
    spread: timedelta


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    images: Mapping[str, Image]
    """By component: what is to be brought in now, all together; empty where nothing is."""

    waits: tuple[str, ...]
    """Why something that the channel names is not brought in now, in sentences."""


def make_plan(look: Look, installed: Mapping[str, Placed], journal: Journal, manner: Manner, now: datetime) -> Plan:
    """Return what of a channel a box brings in now. A part comes whole or not at all; components it lacks are none."""
    images, waits = dict[str, Image](), list[str]()
    for part in look.parts:
        new = {
            name: image
            for name, image in part.images.items()
            if name in installed and installed[name].digest != image.digest
        }
        if not new:
            continue
        reason = _reason(part, new, look, installed, journal, manner, now)
        if reason is None:
            images |= new
        else:
            waits.append(f"{part.part}: {reason}")
    return Plan(images, tuple(waits))


def _reason(
    part: Part,
    new: Mapping[str, Image],
    look: Look,
    installed: Mapping[str, Placed],
    journal: Journal,
    manner: Manner,
    now: datetime,
) -> str | None:
    """Return why a part is not brought in now; None where it is."""
    if look.holds.halted is not None:
        return f"rollouts are halted: {look.holds.halted}"
    if manner.box in look.holds.pins:
        return f"this box is pinned: {look.holds.pins[manner.box]}"
    for name, image in new.items():
        if image.digest in journal.bad:
            why = journal.bad[image.digest].reason
            return f"this box went back from {name} {image.version} ({why}); `sidewall-fleet retry {image.digest}`"
        if _is_lesser(installed[name].version, part.smallest_version):
            has = installed[name].version
            return f"{name} {has} has to become {part.smallest_version} or newer before it becomes {image.version}"
    later = may_begin(part, manner.box, manner.window, manner.spread, now)
    return None if later is None else f"begins after {time_text(later)}"


def _is_lesser(version: str, smallest: str) -> bool:
    """Whether a version is known to be lesser, or is not known where not every version will do."""
    try:
        return version_key(version) < version_key(smallest)
    except ValueError:
        return version_key(smallest) > version_key("0.0")
