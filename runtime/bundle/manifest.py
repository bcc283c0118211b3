"""The manifest of a model bundle as frozen dataclasses; `manifest_reading.py` reads it from JSON."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from core.judging.image_reference import ImageReference
from core.judging.input_statistics import InputReference
from core.judging.station_reference import StationReference
from core.rules import ScoringRules
from trust.signing import TrainedOn

SCHEMA_VERSION: Final = "2"
"""What new bundles are written in."""

READ_VERSIONS: Final = ("1", SCHEMA_VERSION)
UNPROVEN: Final = "unproven"
"""Status of a proof that shows too little."""

LATER_SECTIONS: Final = frozenset({"station_reference", "image_reference", "proof", "modes"})
"""What schema 2 has room for; each may be left out."""

MANIFEST_NAME: Final = "manifest.json"
SIGNATURE_NAME: Final = "manifest.sig"

LARGEST_BUNDLE_BYTES: Final = 8 << 30
"""Of all files together: five folds of the largest nnU-Net stay below a quarter of it."""

HalfPrecision = Literal["float16", "bfloat16"]

MODES: Final = ("exact", "fast")
"""Modes that a bundle may be declared for."""

Shape = tuple[int, int, int]

CANONICAL_ORIENTATION: Final = "z to head, y to posterior, x to left"


@dataclass(frozen=True)
class Resampling:
    """How one kind of array changes its grid (nnU-Net's `resample_data_or_seg_to_shape`)."""

    order: int
    """Spline order within the slices, or of the whole volume when z is not separate: 0, 1 or 3."""

    order_z: int
    """Spline order along the separate axis: 0, 1 or 3."""

    force_separate_z: bool | None
    """None lets the anisotropy decide."""


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a canonical image before the network, from the nnU-Net plans."""

    orientation: str
    """Always `CANONICAL_ORIENTATION`: what was written to nnU-Net in training and what goes in here."""

    spacing_mm: tuple[float, float, float]
    """Network grid (z, y, x)."""

    normalisation: Literal["zscore"]
    use_mask_for_norm: bool
    """Whether the statistics are taken inside the filled nonzero mask only."""

    data: Resampling
    logits: Resampling


@dataclass(frozen=True)
class Tiling:
    """How the network grid is covered by tiles (nnU-Net's sliding window)."""

    patch_size: Shape
    step_size: float
    """Largest step as a share of the patch."""


@dataclass(frozen=True)
class FileEntry:
    """One file of the bundle."""

    path: str
    """Relative to the bundle, with forward slashes."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Golden:
    """The case that every backend must reproduce before it may serve."""

    input: str
    """Path of an .npz with `voxels` (z, y, x) and `spacing_mm` (z, y, x)."""

    expected: str
    """Path of an .npz with `labels` uint8 (z, y, x): nnU-Net's own answer."""

    max_differing_share: float
    """Largest share of voxels whose label may differ."""

    min_dice: float
    """Smallest Dice of any structure that has at least `min_dice_voxels` voxels."""

    min_dice_voxels: int


@dataclass(frozen=True)
class Manifest:
    """Everything the runtime knows about a model before it runs it."""

    schema_version: str
    name: str
    version: str
    created: str
    """ISO date."""

    trained_on: TrainedOn
    intended_use: str
    labels: Mapping[str, int]
    preprocessing: Preprocessing
    tiling: Tiling
    folds: tuple[str, ...]
    """Paths of the ONNX files, in fold order: float32, any number of tiles at once."""

    golden: Golden
    scoring: ScoringRules
    input_reference: InputReference | None
    """Input statistics of the training cases; None switches that gate off."""

    provenance: Mapping[str, Any]
    """How the folds came to be: software, data, commands."""

    files: tuple[FileEntry, ...]
    """Every file of the bundle but the manifest and its signature."""

    variants: Mapping[HalfPrecision, tuple[str, ...]] = field(default_factory=dict)
    """The same folds in a lesser precision, for engines that are faster with it: paths of ONNX files, in fold order."""

    station_reference: StationReference | None = None
    """How much of each station the training cases show; None takes that of `DEFAULT_STATION_REFERENCE`."""

    image_reference: ImageReference | None = None
    """Limits of the gates on the image itself."""

    proof: Mapping[str, Any] | None = None
    """What was measured to show that the folds are what they are said to be; plain JSON. Its `status` may be
    `unproven`, which every result then says; nothing else of it decides."""

    modes: tuple[str, ...] | None = None
    """The modes that the model is declared for, `exact` among them; None for all. In another it is not run."""

    @property
    def unproven(self) -> str | None:
        """Why nothing measured speaks for the model; None for a model that something does, or that says nothing."""
        if self.proof is None or self.proof.get("status") != UNPROVEN:
            return None
        reasons = self.proof.get("reasons")
        return "; ".join(map(str, reasons)) if isinstance(reasons, list) and reasons else "no reason given"

    @property
    def networks(self) -> tuple[str, ...]:
        """Paths of all ONNX files: the folds, then their variants in order of precision."""
        return (*self.folds, *(path for _, paths in sorted(self.variants.items()) for path in paths))

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types; without what is not there as it was before there was any, as it was signed."""
        plain = {each.name: _plain(getattr(self, each.name)) for each in dataclasses.fields(self)}
        absent = {name for name in LATER_SECTIONS if plain[name] is None} | (
            {"variants"} if not self.variants else set()
        )
        for name in absent:
            del plain[name]
        return plain | {"input_reference": self.input_reference and self.input_reference.to_mapping()}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
