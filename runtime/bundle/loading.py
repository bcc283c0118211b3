"""Open a bundle directory: signature first, then every file, then the meaning. Nothing is unpickled."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from runtime.bundle.manifest import FileEntry, Manifest, TrainedOn, parse_manifest
from runtime.bundle.signing import TrustedKey, canonical_json, parse_signature, read_trusted_keys, verify
from runtime.core.errors import BundleRejected
from runtime.core.input_statistics import InputReference
from runtime.core.rules import ScoringRules
from runtime.core.volume import Volume
from runtime.environment import TRUSTED_KEYS_VARIABLE

MANIFEST_NAME: Final = "manifest.json"
SIGNATURE_NAME: Final = "manifest.sig"

_PACKAGED_KEYS: Final = Path(__file__).parent / "trusted_keys"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle."""

    path: Path
    manifest: Manifest
    digest: str
    """sha256:... of the manifest's canonical JSON."""

    signed_by: str
    """Key id of the trusted key."""

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """Version of the model."""
        return self.manifest.version

    @property
    def trained_on(self) -> TrainedOn:
        """What kind of cases the model learnt from."""
        return self.manifest.trained_on

    @property
    def rules(self) -> ScoringRules:
        """The scoring rules."""
        return self.manifest.scoring

    @property
    def input_reference(self) -> InputReference | None:
        """Input statistics of the training cases."""
        return self.manifest.input_reference

    def fold_bytes(self, index: int) -> bytes:
        """Return the ONNX file of one fold; raises `BundleRejected` when it changed since the bundle was opened."""
        return self._read(self.manifest.folds[index])

    def golden_volume(self) -> Volume:
        """Return the golden case's image, float32, as a canonical volume at the origin."""
        arrays = self._arrays(self.manifest.golden.input, ("voxels", "spacing_mm"))
        z, y, x = (float(value) for value in arrays["spacing_mm"])
        return Volume(
            voxels=arrays["voxels"].astype(np.float32),
            spacing_mm=(z, y, x),
            origin_lps_mm=(0.0, 0.0, 0.0),
            direction=np.eye(3)[:, ::-1],
        )

    def golden_labels(self) -> npt.NDArray[np.uint8]:
        """Return the label map (z, y, x) that the golden case must give."""
        return self._arrays(self.manifest.golden.expected, ("labels",))["labels"].astype(np.uint8)

    def _arrays(self, name: str, keys: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        self._read(name)
        with np.load(self.path / name, allow_pickle=False) as stored:
            missing = [key for key in keys if key not in stored]
            if missing:
                raise BundleRejected(f"file {name} of the bundle lacks {missing}")
            return {key: stored[key] for key in keys}

    def _read(self, name: str) -> bytes:
        entry = next(entry for entry in self.manifest.files if entry.path == name)
        return _checked_bytes(self.path, entry)


def load_bundle(path: Path, trusted_keys: Path | None = None) -> Bundle:
    """Open and verify a bundle directory.

    `trusted_keys` is a folder of *.pub files that replaces the default: the keys that ship with the runtime and
    those in the folder that the variable SIDEWALL_TRUSTED_KEYS names. Raises `BundleRejected` with the reason.
    """
    if not path.is_dir():
        raise BundleRejected(f"there is no bundle at {path}")
    mapping = _decode_manifest(_read_text(path, MANIFEST_NAME))
    signature = parse_signature(_read_text(path, SIGNATURE_NAME))
    content = canonical_json(mapping)
    manifest = parse_manifest(mapping)
    key = verify(content, signature, manifest.trained_on, _trusted(trusted_keys))
    for entry in manifest.files:
        _checked_bytes(path, entry)
    _check_references(manifest)
    return Bundle(path, manifest, f"sha256:{hashlib.sha256(content).hexdigest()}", key.key_id)


def _trusted(folder: Path | None) -> tuple[TrustedKey, ...]:
    if folder is not None:
        return read_trusted_keys(folder)
    named = os.environ.get(TRUSTED_KEYS_VARIABLE)
    return read_trusted_keys(_PACKAGED_KEYS) + (read_trusted_keys(Path(named)) if named else ())


def _read_text(path: Path, name: str) -> str:
    file = path / name
    if not file.is_file():
        what = "it is not signed" if name == SIGNATURE_NAME else "it is not a bundle"
        raise BundleRejected(f"the bundle {path.name} has no {name}: {what}")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BundleRejected(f"{name} of the bundle is not a text file") from error


def _decode_manifest(text: str) -> dict[str, Any]:
    try:
        mapping = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except ValueError as error:
        raise BundleRejected(f"{MANIFEST_NAME} of the bundle is not whole JSON: {error}") from error
    if not isinstance(mapping, dict):
        raise BundleRejected(f"{MANIFEST_NAME} of the bundle holds {type(mapping).__name__}; allowed: an object")
    return mapping


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return mapping


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _checked_bytes(path: Path, entry: FileEntry) -> bytes:
    relative = PurePosixPath(entry.path)
    if relative.is_absolute() or ".." in relative.parts:
        raise BundleRejected(f"file {entry.path!r} lies outside the bundle")
    file = path / relative
    if not file.is_file():
        raise BundleRejected(f"file {entry.path} of the bundle is missing")
    content = file.read_bytes()
    if len(content) != entry.bytes:
        raise BundleRejected(f"file {entry.path} of the bundle has {len(content)} bytes; signed for {entry.bytes}")
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise BundleRejected(f"file {entry.path} of the bundle was altered: its SHA-256 is not the signed one")
    return content


def _check_references(manifest: Manifest) -> None:
    listed = {entry.path for entry in manifest.files}
    wanted = [*manifest.folds, manifest.golden.input, manifest.golden.expected]
    unlisted = sorted(set(wanted) - listed)
    if not manifest.folds or unlisted:
        raise BundleRejected(f"the bundle has {len(manifest.folds)} folds and does not list the files {unlisted}")
