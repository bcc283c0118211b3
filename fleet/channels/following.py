"""A box's side of a channel: what it is told, believed only if signed, current, and no older than what it saw before.

python-tuf's `ngclient` judges (TUF specification 1.0, "Detailed client workflow"). Two things are kept durably beside
its own cache: the newest time that this box has seen, so that a clock set back makes nothing current again, and the
sequence numbers, so that a cache that a power cut damaged does not let an older state in.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from securesystemslib.exceptions import StorageError
from tuf.api.exceptions import DownloadError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import Metadata
from tuf.api.serialization import DeserializationError
from tuf.ngclient import Updater

from base import durable
from base.errors import SettingInvalid, SidewallError
from base.system_errors import system_error
from fleet.channels.content import Holds, Part, parse_holds, parse_part, parse_time, time_text
from fleet.channels.fetching import ADDRESS, StoreFetcher
from fleet.channels.roles import HOLD, HOLD_PATH, PARTS, path_of, role_of
from fleet.errors import ChannelExpired, ChannelRejected
from fleet.stores.store import Store
from trust.errors import RegistryFailed

_SEEN: Final = "seen.json"
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
_TOP_ROLES: Final = ("root", "timestamp", "snapshot", "targets")


@dataclass(frozen=True)
class Look:
    """What a channel says now."""

    parts: tuple[Part, ...]
    """Those that there are and that are believed."""

    holds: Holds
    """What is held; where the file of holds is not believed, everything is."""

    faults: tuple[str, ...]
    """Why a part is not believed: told, and no reason to stop anything."""


class Follower:
    """One box's memory of a channel, in a folder that survives power cuts."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder, self._root = folder, root

    def look(self, store: Store, ring: str, now: datetime | None = None) -> Look:
        """Ask the channel of a ring; `now` None asks the clock.

        Raises `ChannelRejected`, also as `ChannelExpired`, where nothing of it is to be believed, and `RegistryFailed`
        where it is out of reach, and `SystemFailed` where nothing can be kept. What runs goes on in every case.
        """
        try:
            return self._look(store, ring, now)
        except OSError as error:
            raise system_error(error, str(self._folder)) or error from None

    def _look(self, store: Store, ring: str, now: datetime | None) -> Look:
        durable.make_folder(self._folder / "targets")
        seen = self._read_seen()
        time = max(now or datetime.now(UTC), seen.newest)
        self._keep(_Seen(time, seen.versions))
        with _judged("the channel"):
            updater = Updater(
                str(self._folder / "metadata"),
                f"{ADDRESS}metadata/",
                str(self._folder / "targets"),
                f"{ADDRESS}targets/",
                StoreFetcher(store),
                bootstrap=self._root_bytes(),
            )
            updater.refresh()
        versions = dict(seen.versions)
        for role in _TOP_ROLES:
            versions[role] = self._check(role, time, seen.versions)
        self._keep(_Seen(time, versions))
        parts, faults = list[Part](), list[str]()
        for part in PARTS:
            try:
                found = self._part(updater, part, ring, time, versions)
                parts += [] if found is None else [found]
            except ChannelRejected as error:
                faults.append(str(error))
        holds = self._holds(updater, time, versions, faults)
        self._keep(_Seen(time, versions))
        return Look(tuple(parts), holds, tuple(faults))

    def forget_time(self) -> None:
        """Forget the newest time seen, for a box whose clock once ran far ahead; sequence numbers are kept."""
        self._keep(_Seen(_LONG_AGO, self._read_seen().versions))

    def _part(self, updater: Updater, part: str, ring: str, time: datetime, versions: dict[str, int]) -> Part | None:
        role = role_of(part, ring)
        found = self._target(updater, role, path_of(part, ring), time, versions)
        if found is None:
            return None
        content, metadata = found
        return parse_part(content, ring, part, metadata.version, metadata.expires)

    def _holds(self, updater: Updater, time: datetime, versions: dict[str, int], faults: list[str]) -> Holds:
        try:
            found = self._target(updater, HOLD, HOLD_PATH, time, versions)
            return Holds() if found is None else parse_holds(found[0])
        except ChannelRejected as error:
            faults.append(str(error))
            return Holds(halted="the file of holds is not to be believed")

    def _target(
        self, updater: Updater, role: str, path: str, time: datetime, versions: dict[str, int]
    ) -> tuple[bytes, Any] | None:
        """Return a role's file and its metadata; None where the role has said nothing yet."""
        if f"{role}.json" not in self._cached("snapshot").meta:
            return None
        with _judged(role):
            target = updater.get_targetinfo(path)
            if target is None:
                raise ChannelRejected(f"{role} names no {path}")
            version = self._check(role, time, versions)
            content = Path(updater.find_cached_target(target) or updater.download_target(target)).read_bytes()
        versions[role] = version
        return content, self._cached(role)

    def _check(self, role: str, time: datetime, versions: Mapping[str, int]) -> int:
        """Return the version of what was just believed; raises where it is expired or older than what was seen."""
        signed = self._cached(role)
        if signed.is_expired(time):
            raise ChannelExpired(_expired(role, signed.expires, time))
        if signed.version < versions.get(role, 0):
            raise ChannelRejected(f"{role} has sequence {signed.version}; this box has seen {versions[role]}")
        return int(signed.version)

    def _cached(self, role: str) -> Any:
        try:
            return Metadata.from_file(str(self._folder / "metadata" / f"{role}.json")).signed
        except (StorageError, DeserializationError) as error:
            raise ChannelRejected(f"what this box keeps of {role} cannot be read") from error

    def _root_bytes(self) -> bytes:
        try:
            return self._root.read_bytes()
        except OSError as error:
            raise SettingInvalid("root", str(self._root), "a readable root.json of the fleet") from error

    def _read_seen(self) -> "_Seen":
        try:
            mapping = json.loads((self._folder / _SEEN).read_bytes())
            versions = {str(role): int(each) for role, each in mapping["versions"].items()}
            return _Seen(parse_time(mapping["newest"], "newest"), versions)
        except FileNotFoundError:
            return _Seen(_LONG_AGO, {})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ChannelRejected(f"what this box has seen ({self._folder / _SEEN}) cannot be read") from error

    def _keep(self, seen: "_Seen") -> None:
        mapping = {"newest": time_text(seen.newest), "versions": seen.versions}
        durable.write_file(self._folder / _SEEN, (json.dumps(mapping, sort_keys=True) + "\n").encode())


@dataclass(frozen=True)
class _Seen:
    """What a box remembers."""

    newest: datetime
    versions: Mapping[str, int]


@contextmanager
def _judged(what: str) -> Iterator[None]:
    """Say in our words what python-tuf finds wrong."""
    try:
        yield
    except ExpiredMetadataError as error:
        raise ChannelExpired(
            f"{what} is expired ({error}); the office renews it by `sidewall-fleet refresh`"
        ) from error
    except RepositoryError as error:
        raise ChannelRejected(f"{what} is not to be believed: {error}") from error
    except DownloadError as error:
        if isinstance(error.__cause__, SidewallError):
            raise error.__cause__ from error
        raise RegistryFailed(f"{what} cannot be read: {error}") from error


def _expired(role: str, expires: datetime, time: datetime) -> str:
    return f"{role} is expired: it counted until {time_text(expires)}, the newest time seen here is {time_text(time)}"
