"""Open a bundle directory: signature first, then every file, then the meaning. Nothing is unpickled."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.counting import counted
from core.judging.image_reference import ImageReference
from core.judging.input_statistics import InputReference
from core.labels import LABEL_NAMES
from core.rules import ScoringRules
from core.volume import Volume
from runtime.bundle.arrays import read_arrays
from runtime.bundle.files import SignedManifest, check_nothing_else, read_file, read_manifest
from runtime.bundle.manifest import HalfPrecision, Manifest
from runtime.bundle.manifest_reading import parse_manifest
from runtime.bundle.networks import check_network
from trust.errors import BundleRejected
from trust.signing import TrainedOn
from trust.trusted import TrustStore, key_for, read_trust


@dataclass(frozen=True)
class Bundle:
    """A verified bundle."""

    path: Path
    manifest: Manifest
    digest: str
    """sha256:... of the manifest's canonical JSON."""

    signed_by: str
    """Key id of the trusted key."""

    notes: tuple[str, ...] = ()
    """What an administrator should know of the folders of trusted keys, though it refuses nothing."""

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

    @property
    def image_reference(self) -> ImageReference | None:
        """Limits of the gates on the image itself."""
        return self.manifest.image_reference

    def fold_bytes(self, index: int, variant: HalfPrecision | None = None) -> bytes:
        """Return the ONNX file of one fold, float32 or one of `manifest.variants`.

        Raises `BundleRejected` when it changed since the bundle was opened, or the bundle has no such variant.
        """
        if variant is None:
            return self._read(self.manifest.folds[index])
        if variant not in self.manifest.variants:
            present = ", ".join(sorted(self.manifest.variants)) or "none"
            raise BundleRejected(f"the bundle has no folds in {variant}; its variants: {present}")
        return self._read(self.manifest.variants[variant][index])

    def golden_volume(self) -> Volume:
        """Return the golden case's image, float32, as a canonical volume at the origin."""
        name = self.manifest.golden.input
        arrays = self._arrays(name, ("voxels", "spacing_mm"))
        voxels, spacing_mm = arrays["voxels"], arrays["spacing_mm"]
        if voxels.ndim != 3 or not voxels.size or spacing_mm.shape != (3,) or not (spacing_mm > 0).all():
            raise BundleRejected(
                f"file {name} of the bundle has voxels {voxels.shape} and spacing_mm {spacing_mm.tolist()}; "
                "allowed: voxels (z, y, x) and three positive numbers"
            )
        z, y, x = (float(value) for value in spacing_mm)
        return Volume(
            voxels=voxels.astype(np.float32),
            spacing_mm=(z, y, x),
            origin_lps_mm=(0.0, 0.0, 0.0),
            direction=np.eye(3)[:, ::-1],
        )

    def golden_labels(self) -> npt.NDArray[np.uint8]:
        """Return the label map (z, y, x) that the golden case must give."""
        name = self.manifest.golden.expected
        labels = self._arrays(name, ("labels",))["labels"]
        if not np.isin(labels, list(LABEL_NAMES.values())).all():
            raise BundleRejected(f"file {name} of the bundle has labels other than {sorted(LABEL_NAMES.values())}")
        return labels.astype(np.uint8)

    def _arrays(self, name: str, keys: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        return read_arrays(self._read(name), name, keys)

    def _read(self, name: str) -> bytes:
        entry = next(entry for entry in self.manifest.files if entry.path == name)
        return read_file(self.path, entry)


def load_bundle(path: Path, trusted_keys: Path | None = None) -> Bundle:
    """Open and verify a bundle directory.

    `trusted_keys` is a folder of *.pub files, with revoked.json, that replaces the default: what ships with the runtime
    and the folder that the variable SIDEWALL_TRUSTED_KEYS names. Raises `BundleRejected` with the reason.
    """
    signed = read_manifest(path)
    trust = read_trust(trusted_keys)
    manifest, signed_by = authenticate(signed, trust)
    check_content(path, manifest)
    return Bundle(path, manifest, signed.digest, signed_by, trust.notes)


def authenticate(signed: SignedManifest, trust: TrustStore) -> tuple[Manifest, str]:
    """Return the manifest and the id of the trusted key that vouches for it; nothing is parsed before it is trusted.

    Raises `BundleRejected` when no signature counts, the bundle was revoked, or its manifest does not fit.
    """
    keys = trust.vouching_keys(signed.content, signed.digest, signed.signatures)
    manifest = parse_manifest(signed.mapping)
    return manifest, key_for(keys, manifest.trained_on).key_id


def check_content(path: Path, manifest: Manifest) -> None:
    """Raise `BundleRejected` unless the directory holds just what the manifest lists, and the networks are sound."""
    check_references(manifest)
    check_nothing_else(path, manifest)
    for entry in manifest.files:
        content = read_file(path, entry)
        if entry.path in manifest.networks:
            check_network(content, entry.path)


def check_references(manifest: Manifest) -> None:
    """Raise `BundleRejected` when the manifest names files that it does not list, or lists a network it does not use.

    One fold less changes every result without a trace in the others, so none may be left out silently.
    """
    listed = {entry.path for entry in manifest.files}
    unlisted = sorted({*manifest.networks, manifest.golden.input, manifest.golden.expected} - listed)
    if not manifest.folds or unlisted:
        raise BundleRejected(
            f"the bundle has {counted(len(manifest.folds), 'fold')} and does not list the files {unlisted}"
        )
    if len(set(manifest.networks)) != len(manifest.networks):
        raise BundleRejected(f"the bundle names a fold twice: {', '.join(manifest.networks)}")
    for precision, paths in manifest.variants.items():
        if len(paths) != len(manifest.folds):
            said = f"{counted(len(paths), 'network')} in {precision} for {counted(len(manifest.folds), 'fold')}"
            raise BundleRejected(f"the bundle has {said}; allowed: one for each")
    unused = sorted(name for name in listed - set(manifest.networks) if name.endswith(".onnx"))
    if unused:
        raise BundleRejected(
            f"the bundle lists networks that are not among its folds or their variants: {', '.join(unused)}"
        )
