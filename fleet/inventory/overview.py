"""What the office makes of all statuses: who is silent, who lags behind, who needs somebody."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from base import durable
from base.errors import SettingInvalid
from fleet.channels.content import BOX_NAME, Holds, Image, Part, time_text
from fleet.channels.keys import read_public_key
from fleet.errors import StatusRejected
from fleet.inventory.status import BoxStatus, open_sealed
from fleet.stores.store import FileAbsentThere, Store

FOLDER: Final = "boxes"
"""Of the statuses in the inventory, and of the boxes' public keys in the office's folder."""

SILENT_AFTER: Final = timedelta(hours=2)
_CLOCK_TOLERANCE: Final = timedelta(minutes=10)
_QUEUE_LIMIT_S: Final = 3600.0
_DRIFT_LIMIT: Final = 0.8
"""As the alert SidewallInputDrift has it."""

_CERTIFICATE_DAYS: Final = 21.0
_LEAST_FREE: Final = 0.1
_READERS: Final = 8
"""Statuses asked for at the same time, since a registry answers each with a delay of its own; a session holds ten."""


@dataclass(frozen=True)
class BoxRow:
    """One box, as the office sees it."""

    box: str
    ring: str
    """Empty where nobody knows."""

    troubles: tuple[str, ...]
    """Sentences for an operator; none where all is well."""

    status: BoxStatus | None

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types."""
        status = None if self.status is None else self.status.to_mapping()
        return {"box": self.box, "ring": self.ring, "troubles": list(self.troubles), "status": status}


def enrol(office: Path, box: str, public_key: Path) -> Path:
    """Keep the public key of a box in the office's folder, in the place of an older one; return the file."""
    if not BOX_NAME.fullmatch(box):
        raise SettingInvalid("box", box, BOX_NAME.pattern)
    read_public_key(public_key)
    target = office / FOLDER / f"{box}.pub"
    durable.make_folder(target.parent)
    durable.write_file(target, public_key.read_bytes())
    return target


def enrolled(office: Path) -> dict[str, Ed25519PublicKey]:
    """Return the public keys of the boxes that the office knows; raises `SettingInvalid` on a file that is none."""
    return {file.stem: read_public_key(file) for file in sorted((office / FOLDER).glob("*.pub"))}


def survey(
    store: Store,
    keys: Mapping[str, Ed25519PublicKey],
    told: Iterable[Part] = (),
    holds: Holds | None = None,
    now: datetime | None = None,
    silent_after: timedelta = SILENT_AFTER,
) -> list[BoxRow]:
    """Return a row for every box that is enrolled or has left a status, those with troubles first.

    Raises `RegistryFailed` where the inventory cannot be read.
    """
    now = now or datetime.now(UTC)
    pins = {} if holds is None else holds.pins
    wanted = {
        (part.ring, name): image for part in told for name, image in part.images.items() if part.not_before <= now
    }
    present = {Path(name).stem for name in store.names(FOLDER) if name.endswith(".json")}
    names = sorted(present | set(keys))
    with ThreadPoolExecutor(_READERS) as readers:
        found = readers.map(lambda box: _content(store, box) if box in present else None, names)
        contents = dict(zip(names, found, strict=True))
    rows = [_row(box, contents[box], keys, wanted, pins, now, silent_after) for box in names]
    return sorted(rows, key=lambda row: (not row.troubles, row.ring, row.box))


def _content(store: Store, box: str) -> bytes | None:
    try:
        return store.read(f"{FOLDER}/{box}.json")
    except FileAbsentThere:
        return None  # Removed since the list was made.


def _row(
    box: str,
    content: bytes | None,
    keys: Mapping[str, Ed25519PublicKey],
    wanted: Mapping[tuple[str, str], Image],
    pins: Mapping[str, str],
    now: datetime,
    silent_after: timedelta,
) -> BoxRow:
    if box not in keys:
        return BoxRow(box, "", ("not enrolled: `sidewall-fleet enrol` tells its key",), None)
    if content is None:
        return BoxRow(box, "", ("silent: it has never said anything",), None)
    try:
        status = open_sealed(content, box, keys[box])
    except StatusRejected as error:
        return BoxRow(box, "", (str(error),), None)
    troubles = [*_of_time(status, now, silent_after), *_of_work(status), *_of_room(status)]
    if box not in pins:
        troubles += _of_images(status, wanted)
    return BoxRow(box, status.ring, tuple(troubles), status)


def _of_time(status: BoxStatus, now: datetime, silent_after: timedelta) -> list[str]:
    age = now - status.written_at
    if age > silent_after:
        return [f"silent: nothing for {age.total_seconds() / 3600:.1f} h, since {time_text(status.written_at)}"]
    return ["its clock is ahead"] if age < -_CLOCK_TOLERANCE else []


def _of_work(status: BoxStatus) -> list[str]:
    said = [f"no answer from: {', '.join(status.silent)}"] if status.silent else []
    said += ["the self-test has not passed"] if status.self_test_passed is False else []
    if status.queue_oldest_s is not None and status.queue_oldest_s > _QUEUE_LIMIT_S:
        said.append(f"the oldest study waits for {status.queue_oldest_s / 3600:.1f} h")
    if status.drift_ratio is not None and status.drift_ratio > _DRIFT_LIMIT:
        said.append(f"its images drift: {status.drift_ratio:.2f} of the limit")
    return said


def _of_room(status: BoxStatus) -> list[str]:
    said = []
    if status.certificate_days is not None and status.certificate_days < _CERTIFICATE_DAYS:
        said.append(f"a certificate ends in {status.certificate_days:.0f} days")
    if (
        status.disk_bytes
        and status.disk_free_bytes is not None
        and status.disk_free_bytes < _LEAST_FREE * status.disk_bytes
    ):
        said.append(f"{100 * status.disk_free_bytes / status.disk_bytes:.0f} % of the disk are free")
    return said


def _of_images(status: BoxStatus, wanted: Mapping[tuple[str, str], Image]) -> list[str]:
    said = []
    for (ring, component), image in wanted.items():
        runs = status.running.get(component)
        if ring != status.ring or runs is None or runs.digest == image.digest:
            continue
        went_back = image.digest in status.failed
        said.append(f"{component}: {'went back from' if went_back else 'not yet'} {image.version}; runs {runs.version}")
    return said
