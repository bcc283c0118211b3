"""The office's folder: the metadata and files of The Update Framework, changed so that a kill leaves the state before.

    metadata/   N.root.json, N.targets.json, N.ROLE.json, N.snapshot.json, timestamp.json
    targets/    the signed files, each under its SHA-256
    waiting/    roles that too few have signed yet; no box sees them

Everything that a new state needs is written under names that the old one does not use; `timestamp.json`, last, turns
over. Root and targets are signed by the root keys, kept offline; snapshot and timestamp by the office's own key, which
alone can make no box run anything.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from securesystemslib.exceptions import StorageError
from securesystemslib.signer import CryptoSigner, Key
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization import DeserializationError

from base import durable
from base.errors import SettingInvalid
from fleet.channels.content import Holds, Part, check_part, parse_holds, parse_part
from fleet.channels.roles import CHANNEL_ROLES, HOLD, HOLD_PATH, PARTS, RINGS, path_of, role_of
from fleet.channels.signers import change_role, change_signers, delegations_of, key_names, require_enough, sign_enough
from fleet.errors import ChannelRejected, SignaturesMissing

ROOT_DAYS: Final = 730
"""For how long root and targets count: long, since their keys are fetched from a safe."""

TIMESTAMP_DAYS: Final = 7
"""For how long a state counts as current. What is held back from a box for longer, the box notices."""

OWNERS: Final = (Root.type, "office", *PARTS)
"""Whose keys there are: of the root, of the office itself, of those who sign releases, and models."""


class Office:
    """One fleet's channels, in a folder of the office's machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "metadata" / "timestamp.json").is_file():
            raise SettingInvalid("fleet", str(folder), "a folder that `sidewall-fleet init` made")

    @staticmethod
    def create(
        folder: Path,
        roots: Sequence[CryptoSigner],
        office: CryptoSigner,
        signers: Mapping[str, Sequence[Key]],
        root_threshold: int = 1,
    ) -> "Office":
        """Make a new fleet: its root keys and how many of them must sign, the office's key, the signers of every part.

        Raises `SettingInvalid` where the folder holds a fleet, `SignaturesMissing` where a part has too few signers
        for the ring `all`.
        """
        if (folder / "metadata").exists():
            raise SettingInvalid("fleet", str(folder), "a folder that holds no fleet yet")
        if not 1 <= root_threshold <= len(roots):
            raise SettingInvalid("root_threshold", root_threshold, f"1 to {len(roots)}, the number of root keys")
        now = _now()
        root = Root(expires=now + timedelta(days=ROOT_DAYS), consistent_snapshot=True)
        for signer in roots:
            root.add_key(signer.public_key, Root.type)
            root.add_key(signer.public_key, Targets.type)
        for role in (Root.type, Targets.type):
            root.roles[role].threshold = root_threshold
        for role in (Snapshot.type, Timestamp.type):
            root.add_key(office.public_key, role)
        targets = Targets(expires=root.expires, delegations=delegations_of(signers))
        require_enough(targets)
        snapshot = Snapshot(expires=now + timedelta(days=ROOT_DAYS), meta={"targets.json": MetaFile(1)})
        timestamp = Timestamp(expires=now + timedelta(days=TIMESTAMP_DAYS), snapshot_meta=MetaFile(1))
        for role, signed, by in (
            (Root.type, root, roots),
            (Targets.type, targets, roots),
            (Snapshot.type, snapshot, [office]),
            (Timestamp.type, timestamp, [office]),
        ):
            metadata: Metadata[Any] = Metadata(signed)
            for signer in by:
                metadata.sign(signer, append=True)
            _write(folder / "metadata" / _file_of(role, metadata), metadata.to_bytes())
        return Office(folder)

    @property
    def root_file(self) -> Path:
        """The newest root: what a new box is given."""
        return self.folder / "metadata" / _file_of(Root.type, self.root())

    def root(self) -> "Metadata[Root]":
        """Return the newest root."""
        versions = [int(each.name.partition(".")[0]) for each in (self.folder / "metadata").glob("*.root.json")]
        return self._read(self.folder / "metadata" / f"{max(versions)}.root.json")

    def targets(self) -> "Metadata[Targets]":
        """Return who may sign what."""
        return self._current("targets")

    def part(self, part: str, ring: str) -> Part | None:
        """Return what a ring is told now; None before the first time."""
        role = role_of(part, ring)
        metadata = self._published(role)
        if metadata is None:
            return None
        content = self._target(metadata, path_of(part, ring))
        return parse_part(content, ring, part, metadata.signed.version, metadata.signed.expires)

    def parts(self) -> list[Part]:
        """Return what every ring is told now, ring by ring."""
        return [told for ring in RINGS for part in PARTS if (told := self.part(part, ring)) is not None]

    def holds(self) -> Holds:
        """Return what is held now."""
        metadata = self._published(HOLD)
        return Holds() if metadata is None else parse_holds(self._target(metadata, HOLD_PATH))

    def current_until(self) -> datetime:
        """Return until when boxes take the published state for current (UTC)."""
        expires: datetime = self._read(self._timestamp_file()).signed.expires
        return expires

    def waiting(self) -> dict[str, tuple[int, int]]:
        """Return the roles whose new state waits for signatures: how many it has, and needs."""
        found = {}
        for file in sorted((self.folder / "waiting").glob("*.json")):
            result = self._delegations().get_verification_result(
                file.stem, self._read(file).signed_bytes, self._read(file).signatures
            )
            found[file.stem] = (len(result.signed), result.threshold)
        return found

    def unsigned(self) -> list[str]:
        """Return the published roles that no box believes any more, since a key of theirs was taken away."""
        return [
            role
            for role in (*CHANNEL_ROLES, HOLD)
            if (metadata := self._published(role)) is not None and not self._is_enough(role, metadata)
        ]

    def tell(self, part: Part, days: float, keys: Sequence[CryptoSigner], office: CryptoSigner) -> bool:
        """Have a ring told something new; return whether enough have signed it, else it waits for `sign`.

        Raises `ChannelRejected` on what no box would read, `SignaturesMissing` where a key may not sign this.
        """
        check_part(part)
        role = role_of(part.part, part.ring)
        return self._tell(role, path_of(part.part, part.ring), part.content(), days, keys, office)

    def hold(self, holds: Holds, days: float, keys: Sequence[CryptoSigner], office: CryptoSigner) -> None:
        """Say what is held from now on; one signer is enough."""
        parse_holds(holds.content())
        self._tell(HOLD, HOLD_PATH, holds.content(), days, keys, office)

    def sign(self, role: str, keys: Sequence[CryptoSigner], office: CryptoSigner) -> bool:
        """Sign what waits, or anew what is published; return whether enough have.

        Anew is needed after a key was taken away: the same content gets the next sequence number.
        """
        file = self.folder / "waiting" / f"{role}.json"
        metadata: Metadata[Targets] | None = self._read(file) if file.is_file() else self._published(role)
        if metadata is None:
            known = sorted({*self.waiting(), *self.unsigned()})
            raise SettingInvalid("role", role, f"one that waits for signatures: {', '.join(known) or 'none does'}")
        if not file.is_file():
            metadata = _following(metadata)
        return self._settle(role, metadata, keys, office)

    def refresh(self, office: CryptoSigner) -> datetime:
        """Say that the state is still current; return until when boxes take it for that.

        A change of keys that a kill kept from being published is published with it.
        """
        return self._turn_over(self._unpublished_targets(), office)

    def change_keys(
        self,
        owner: str,
        roots: Sequence[CryptoSigner],
        office: CryptoSigner,
        *,
        add: Sequence[Key] = (),
        revoke: Sequence[str] = (),
    ) -> None:
        """Add keys of an owner and take others away, by their id; the root keys sign.

        New root keys must be among those that sign. Raises `SettingInvalid` on an unknown owner or id,
        `SignaturesMissing` where the root keys at hand are too few, or the signers left would be.
        """
        if owner not in OWNERS:
            raise SettingInvalid("owner", owner, ", ".join(OWNERS))
        if owner in PARTS:
            targets = _following(self.targets())
            change_signers(targets.signed, owner, add, revoke)
            require_enough(targets.signed)
            sign_enough("targets", targets, self.root().signed, roots)
            self._put(Targets.type, targets)
            self._turn_over({"targets.json": MetaFile(targets.signed.version)}, office)
            return
        before = self.root()
        root = _following(before)
        root.signed.expires = _now() + timedelta(days=ROOT_DAYS)
        for role in (Root.type, Targets.type) if owner == Root.type else (Snapshot.type, Timestamp.type):
            change_role(root.signed, role, add, revoke)
        sign_enough("root", root, before.signed, roots)
        sign_enough("root", root, root.signed, roots)
        targets = _following(self.targets())
        targets.signed.expires = root.signed.expires
        sign_enough("targets", targets, root.signed, roots)
        self._put(Targets.type, targets)
        self._put(Root.type, root)
        self._turn_over({"targets.json": MetaFile(targets.signed.version)}, office)

    def _tell(
        self, role: str, path: str, content: bytes, days: float, keys: Sequence[CryptoSigner], office: CryptoSigner
    ) -> bool:
        file = TargetFile.from_data(path, content, ["sha256"])
        folder, _, name = f"targets/{path}".rpartition("/")
        _write(self.folder / folder / f"{file.hashes['sha256']}.{name}", content)
        before = self._published(role)
        metadata = Metadata(
            Targets(
                version=1 if before is None else before.signed.version + 1,
                expires=_now() + timedelta(days=days),
                targets={path: file},
            )
        )
        return self._settle(role, metadata, keys, office)

    def _settle(
        self, role: str, metadata: "Metadata[Targets]", keys: Sequence[CryptoSigner], office: CryptoSigner
    ) -> bool:
        """Sign, then publish what enough have signed, else let it wait."""
        allowed = self._delegations().get_delegated_role(role).keyids
        may = [key for key in keys if key.public_key.keyid in allowed]
        if not may:
            raise SignaturesMissing(f"no key at hand may sign {role}; allowed: {key_names(allowed)}")
        for signer in may:
            metadata.sign(signer, append=True)
        waiting = self.folder / "waiting" / f"{role}.json"
        if not self._is_enough(role, metadata):
            _write(waiting, metadata.to_bytes())
            return False
        self._put(role, metadata)
        self._turn_over({f"{role}.json": MetaFile(metadata.signed.version)}, office)
        durable.remove_file(waiting)
        return True

    def _turn_over(self, changed: Mapping[str, MetaFile], office: CryptoSigner) -> datetime:
        """Write snapshot and timestamp anew: from then on boxes see what was put before."""
        now = _now()
        root = self.root().signed
        timestamp: Metadata[Timestamp] = _following(self._read(self._timestamp_file()))
        snapshot: Metadata[Snapshot] = Metadata(deepcopy(self._current("snapshot").signed))
        if changed or snapshot.signed.expires < now + timedelta(days=ROOT_DAYS / 2):
            snapshot.signed.version += 1
            snapshot.signed.expires = now + timedelta(days=ROOT_DAYS)
            snapshot.signed.meta.update(changed)
        timestamp.signed.snapshot_meta = MetaFile(snapshot.signed.version)
        timestamp.signed.expires = now + timedelta(days=TIMESTAMP_DAYS)
        for role, metadata in ((Snapshot.type, snapshot), (Timestamp.type, timestamp)):
            sign_enough(role, metadata, root, [office])
        self._put(Snapshot.type, snapshot)
        self._put(Timestamp.type, timestamp)
        return timestamp.signed.expires

    def _unpublished_targets(self) -> dict[str, MetaFile]:
        root, version = self.root().signed, self.targets().signed.version + 1
        file = self.folder / "metadata" / f"{version}.targets.json"
        if not file.is_file():
            return {}
        left = self._read(file)
        if not root.get_verification_result(Targets.type, left.signed_bytes, left.signatures):
            return {}
        return {"targets.json": MetaFile(version)}

    def _published(self, role: str) -> "Metadata[Targets] | None":
        return self._current(role) if f"{role}.json" in self._current("snapshot").signed.meta else None

    def _current(self, role: str) -> "Metadata[Any]":
        """Return the published version of a role below the timestamp."""
        timestamp = self._read(self._timestamp_file())
        version = timestamp.signed.snapshot_meta.version
        snapshot = self._read(self.folder / "metadata" / f"{version}.snapshot.json")
        if role == Snapshot.type:
            return snapshot
        return self._read(self.folder / "metadata" / f"{snapshot.signed.meta[f'{role}.json'].version}.{role}.json")

    def _target(self, metadata: "Metadata[Targets]", path: str) -> bytes:
        file = metadata.signed.targets[path]
        folder, _, name = path.rpartition("/")
        return (self.folder / "targets" / folder / f"{file.hashes['sha256']}.{name}").read_bytes()

    def _delegations(self) -> Targets:
        targets: Targets = self.targets().signed
        return targets

    def _is_enough(self, role: str, metadata: "Metadata[Targets]") -> bool:
        return bool(self._delegations().get_verification_result(role, metadata.signed_bytes, metadata.signatures))

    def _timestamp_file(self) -> Path:
        return self.folder / "metadata" / "timestamp.json"

    def _put(self, role: str, metadata: "Metadata[Any]") -> None:
        _write(self.folder / "metadata" / _file_of(role, metadata), metadata.to_bytes())

    def _read(self, file: Path) -> "Metadata[Any]":
        try:
            return Metadata.from_file(str(file))
        except (StorageError, DeserializationError, RepositoryError) as error:
            raise ChannelRejected(
                f"{file} cannot be read as metadata; allowed: as `sidewall-fleet` wrote it"
            ) from error


def _now() -> datetime:
    """Return the time in whole seconds, as metadata states it."""
    return datetime.now(UTC).replace(microsecond=0)


def _following(metadata: "Metadata[Any]") -> "Metadata[Any]":
    """Return a copy without signatures, with the next version."""
    following: Metadata[Any] = Metadata(deepcopy(metadata.signed))
    following.signed.version += 1
    return following


def _file_of(role: str, metadata: "Metadata[Any]") -> str:
    return "timestamp.json" if role == Timestamp.type else f"{metadata.signed.version}.{role}.json"


def _write(target: Path, content: bytes) -> None:
    durable.make_folder(target.parent)
    durable.write_file(target, content)
