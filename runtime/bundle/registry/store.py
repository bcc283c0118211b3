"""The bundles that were pulled to this box, each in a folder called by its artifact's digest.

    /var/lib/sidewall/bundles/
        sha256-0123.../    one verified bundle; never changed, only added and removed
        current            link to the one that `sidewall bundle use` chose
        previous           link to the one before it
        references.json    what every reference was when it was last pulled
        .lock              held by whoever changes anything here

A bundle is in the store whole or not at all: it is verified in a hidden folder that then gets its name. What a process
that was killed left hidden goes with the next pull.
"""

import fcntl
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from base.errors import SettingInvalid, SidewallError
from base.system_errors import system_error
from runtime.bundle.files import read_manifest
from runtime.bundle.loading import load_bundle
from trust.errors import BundleRejected

CURRENT: Final = "current"
PREVIOUS: Final = "previous"
_REFERENCES: Final = "references.json"
_LOCK: Final = ".lock"
_FOLDER: Final = re.compile(r"sha256-[0-9a-f]{64}")
_HIDDEN: Final = ".*.part"
_SHORTEST_PREFIX: Final = 8


@dataclass(frozen=True)
class StoredBundle:
    """One bundle of the store, as its manifest calls it; only a start verifies it again."""

    folder: Path
    name: str
    version: str
    bundle_digest: str
    """By which it is named in findings and in the list of what was revoked."""

    references: tuple[str, ...]
    """What last pointed to it when it was pulled."""

    roles: tuple[str, ...]
    """`current`, `previous` or both."""

    @property
    def digest(self) -> str:
        """sha256:... of the artifact, by which it is pinned."""
        return digest_of(self.folder)

    def to_mapping(self) -> dict[str, object]:
        """Return plain JSON types."""
        return {
            "name": self.name,
            "version": self.version,
            "artifact": self.digest,
            "bundle_digest": self.bundle_digest,
            "references": list(self.references),
            "roles": list(self.roles),
            "folder": str(self.folder),
        }


class BundleStore:
    """A folder of bundles; reading needs no right to write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, digest: str) -> Path:
        """Return where the bundle of an artifact is, or would be."""
        return self.folder / digest.replace(":", "-")

    def has(self, digest: str) -> bool:
        """Whether the bundle of an artifact is here; raises `SettingInvalid` where one may not look."""
        try:
            return stat.S_ISDIR(self.path_of(digest).stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _unreadable(self.folder, error) from error

    def last_of(self, reference: str) -> str | None:
        """Return the digest that a reference had when it was last pulled, if that bundle is still here."""
        digest = self._references().get(reference)
        return digest if digest is not None and self.has(digest) else None

    def bundles(self) -> list[StoredBundle]:
        """Return what is here, by name, version and digest; what is not a readable bundle is left out.

        Raises `SettingInvalid` where one may not look.
        """
        found = []
        try:
            for folder in sorted(self.folder.iterdir()):
                if _FOLDER.fullmatch(folder.name) and folder.is_dir():
                    with suppress(BundleRejected):
                        found.append(self._describe(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _unreadable(self.folder, error) from error
        return sorted(found, key=lambda each: (each.name, each.version, each.digest))

    def find(self, wanted: str) -> StoredBundle:
        """Return the one bundle that NAME@DIGEST, DIGEST, `current` or `previous` names; a digest may be shortened.

        Raises `SettingInvalid` with what there is when that is none, or several.
        """
        bundles = self.bundles()
        name, _, digest = wanted.rpartition("@")
        prefix = digest.removeprefix("sha256:")
        fitting = [
            each
            for each in bundles
            if wanted in each.roles
            or (
                len(prefix) >= _SHORTEST_PREFIX
                and name in ("", each.name)
                and any(known.removeprefix("sha256:").startswith(prefix) for known in (each.digest, each.bundle_digest))
            )
        ]
        if len(fitting) != 1:
            there = ", ".join(f"{each.name}@{each.digest[:19]}" for each in bundles) or "nothing: pull one first"
            raise SettingInvalid("bundle", wanted, f"one of this store ({there}), {CURRENT} or {PREVIOUS}")
        return fitting[0]

    def use(self, wanted: str) -> StoredBundle:
        """Let `current` name a bundle after all of it was verified, and `previous` the one before; returns it.

        Raises `BundleRejected` when it would not load, and `SettingInvalid`.
        """
        with self.changing():
            chosen = self.find(wanted)
            load_bundle(chosen.folder)
            before = self._target(CURRENT)
            # First, so that a power cut between the two loses no way back.
            if before not in (None, chosen.folder.name):
                self._link(PREVIOUS, str(before))
            self._link(CURRENT, chosen.folder.name)
            return self._describe(chosen.folder)

    def remove(self, wanted: str) -> StoredBundle:
        """Take a bundle away; raises `SettingInvalid` for the current one."""
        with self.changing():
            chosen = self.find(wanted)
            if CURRENT in chosen.roles:
                raise SettingInvalid("bundle", wanted, "a bundle that is not the current one: use another first")
            if PREVIOUS in chosen.roles:
                (self.folder / PREVIOUS).unlink()
            self._discard(chosen.folder)
            return chosen

    def hidden_path(self) -> Path:
        """Return a name for a bundle that has no place yet; call while `changing`, which also clears it away."""
        return self.folder / ".fresh.part"

    def put(self, fresh: Path, digest: str) -> None:
        """Give a verified bundle of this folder the place of the damaged one; call while `changing`."""
        self._discard(self.path_of(digest))
        fresh.rename(self.path_of(digest))
        _sync(self.folder)

    def note(self, reference: str, digest: str) -> None:
        """Remember what a reference is now; call while `changing`."""
        known = self._references()
        if known.get(reference) != digest:
            text = json.dumps(known | {reference: digest}, indent=2, sort_keys=True) + "\n"
            _write_durably(self.folder / _REFERENCES, text)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the store alone, and clear away what a killed process left; others wait.

        Raises `SystemFailed` when the folder cannot be written, and `SettingInvalid` when it can be none.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)  # Ends with the process, however that ends.
            for left in self.folder.glob(_HIDDEN):
                shutil.rmtree(left, ignore_errors=True)
            yield
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        finally:
            os.close(handle)

    def _discard(self, folder: Path) -> None:
        gone = self.folder / f".{folder.name}.part"  # Never half there under its own name.
        folder.rename(gone)
        shutil.rmtree(gone)

    def _describe(self, folder: Path) -> StoredBundle:
        signed = read_manifest(folder)
        return StoredBundle(
            folder=folder,
            name=str(signed.mapping.get("name")),
            version=str(signed.mapping.get("version")),
            bundle_digest=signed.digest,
            references=tuple(name for name, digest in self._references().items() if digest == digest_of(folder)),
            roles=tuple(role for role in (CURRENT, PREVIOUS) if self._target(role) == folder.name),
        )

    def _references(self) -> dict[str, str]:
        """Return what was noted; a damaged note is no note, and the next pull makes it new."""
        try:
            known = json.loads((self.folder / _REFERENCES).read_bytes())
        except (OSError, ValueError):
            return {}
        texts = known if isinstance(known, dict) else {}
        return {name: digest for name, digest in sorted(texts.items()) if isinstance(digest, str)}

    def _target(self, link: str) -> str | None:
        try:
            return str((self.folder / link).readlink())
        except OSError:
            return None

    def _link(self, link: str, target: str) -> None:
        """Point a link elsewhere in one step."""
        made = self.folder / f".{link}.new"
        made.unlink(missing_ok=True)
        made.symlink_to(target)
        made.rename(self.folder / link)
        _sync(self.folder)


def digest_of(folder: Path) -> str:
    """Return the artifact's digest that a folder of the store is called by."""
    return folder.name.replace("-", ":")


def _unreadable(folder: Path, error: OSError) -> SidewallError:
    allowed = f"a folder that can be looked into ({error.strerror})"
    return system_error(error, str(folder)) or SettingInvalid("bundle_store", str(folder), allowed)


def _unwritable(folder: Path, error: OSError) -> SidewallError:
    allowed = f"a folder that can be written ({error.strerror})"
    return system_error(error, str(folder)) or SettingInvalid("bundle_store", str(folder), allowed)


def _write_durably(path: Path, text: str) -> None:
    made = path.with_name(f".{path.name}.new")
    with made.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    made.rename(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
