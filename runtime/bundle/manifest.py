"""The manifest of a model bundle as frozen dataclasses, and its strict reading from JSON.

Every field is required and unknown fields are refused: a manifest of another schema must not half load. Only scoring
rules that came after the first bundles may be left out (`runtime.core.rules.optional_rules`).
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from runtime.core.errors import BundleRejected
from runtime.core.input_statistics import InputReference
from runtime.core.labels import LABEL_NAMES
from runtime.core.rules import LATER_SOURCE, ScoringRules, optional_rules

SCHEMA_VERSION: Final = "1"

TrainedOn = Literal["phantom", "clinical"]
Shape = tuple[int, int, int]

CANONICAL_ORIENTATION: Final = "z to head, y to posterior, x to left"
_SPLINE_ORDERS: Final = (0, 1, 3)


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
    """Paths of the ONNX files, in fold order."""

    golden: Golden
    scoring: ScoringRules
    input_reference: InputReference | None
    """Input statistics of the training cases; None switches that gate off."""

    provenance: Mapping[str, Any]
    """How the folds came to be: software, data, commands."""

    files: tuple[FileEntry, ...]
    """Every file of the bundle but the manifest and its signature."""

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types."""
        plain = {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}
        return plain | {"input_reference": self.input_reference and self.input_reference.to_mapping()}


def parse_manifest(mapping: Mapping[str, Any]) -> Manifest:
    """Return the manifest of a decoded manifest.json; raises `BundleRejected` naming the field that does not fit."""
    schema = mapping.get("schema_version")
    if schema != SCHEMA_VERSION:
        raise BundleRejected(f"the bundle's schema_version is {schema!r}; this version reads {SCHEMA_VERSION!r}")
    fields = _fields(mapping, Manifest, "manifest")
    reference = fields["input_reference"]
    try:
        return Manifest(
            schema_version=SCHEMA_VERSION,
            name=_text(fields, "name"),
            version=_text(fields, "version"),
            created=_text(fields, "created"),
            trained_on=cast("TrainedOn", _one_of(fields["trained_on"], get_args(TrainedOn), "trained_on")),
            intended_use=_text(fields, "intended_use"),
            labels=_labels(fields["labels"]),
            preprocessing=_preprocessing(fields["preprocessing"]),
            tiling=_tiling(fields["tiling"]),
            folds=tuple(str(path) for path in fields["folds"]),
            golden=Golden(**_fields(fields["golden"], Golden, "golden")),
            scoring=_scoring(fields["scoring"]),
            input_reference=None if reference is None else InputReference.from_mapping(reference),
            provenance=dict(fields["provenance"]),
            files=tuple(FileEntry(**_fields(entry, FileEntry, "files")) for entry in fields["files"]),
        )
    except (TypeError, ValueError) as error:
        raise BundleRejected(f"the bundle's manifest does not fit its schema: {error}") from error


def _preprocessing(mapping: Mapping[str, Any]) -> Preprocessing:
    fields = _fields(mapping, Preprocessing, "preprocessing")
    z, y, x = (float(value) for value in fields["spacing_mm"])
    if min(z, y, x) <= 0:
        raise BundleRejected(f"preprocessing.spacing_mm is {fields['spacing_mm']}; allowed: three positive numbers")
    return Preprocessing(
        orientation=_one_of(fields["orientation"], (CANONICAL_ORIENTATION,), "preprocessing.orientation"),
        spacing_mm=(z, y, x),
        normalisation=cast(
            "Literal['zscore']", _one_of(fields["normalisation"], ("zscore",), "preprocessing.normalisation")
        ),
        use_mask_for_norm=bool(fields["use_mask_for_norm"]),
        data=_resampling(fields["data"], "preprocessing.data"),
        logits=_resampling(fields["logits"], "preprocessing.logits"),
    )


def _resampling(mapping: Mapping[str, Any], name: str) -> Resampling:
    fields = _fields(mapping, Resampling, name)
    _one_of(fields["order"], _SPLINE_ORDERS, f"{name}.order")
    _one_of(fields["order_z"], _SPLINE_ORDERS, f"{name}.order_z")
    _one_of(fields["force_separate_z"], (None, True, False), f"{name}.force_separate_z")
    return Resampling(**fields)


def _tiling(mapping: Mapping[str, Any]) -> Tiling:
    fields = _fields(mapping, Tiling, "tiling")
    z, y, x = (int(value) for value in fields["patch_size"])
    step = float(fields["step_size"])
    if min(z, y, x) < 1 or not 0 < step <= 1:
        raise BundleRejected(f"tiling is {dict(fields)}; allowed: a positive patch_size and 0 < step_size <= 1")
    return Tiling(patch_size=(z, y, x), step_size=step)


def _scoring(mapping: Mapping[str, Any]) -> ScoringRules:
    """Return the rules; those that an older bundle does not know have their default, and the source says so."""
    fields = _fields(mapping, ScoringRules, "scoring", optional_rules())
    rules = ScoringRules(**fields)
    if optional_rules() <= set(fields):
        return rules
    return dataclasses.replace(rules, source=f"{rules.source}; where the bundle says nothing: {LATER_SOURCE}")


def _labels(mapping: Mapping[str, Any]) -> dict[str, int]:
    if dict(mapping) != LABEL_NAMES:
        raise BundleRejected(f"the bundle's labels are {dict(mapping)}; this version reads {LABEL_NAMES}")
    return dict(LABEL_NAMES)


def _fields(mapping: Any, kind: type, name: str, optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the mapping after checking that its keys are exactly the dataclass fields, but for the optional ones."""
    if not isinstance(mapping, Mapping):
        raise BundleRejected(f"{name} in the manifest is {type(mapping).__name__}; allowed: an object")
    wanted = {field.name for field in dataclasses.fields(kind)}
    missing, unknown = sorted(wanted - optional - set(mapping)), sorted(set(mapping) - wanted)
    if missing or unknown:
        raise BundleRejected(f"{name} in the manifest lacks {missing} and has unknown {unknown}")
    return dict(mapping)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value:
        raise BundleRejected(f"{name} in the manifest is {value!r}; allowed: a text")
    return value


def _one_of(value: Any, allowed: tuple[Any, ...], name: str) -> Any:
    if value not in allowed:
        raise BundleRejected(f"{name} in the manifest is {value!r}; allowed: {', '.join(map(repr, allowed))}")
    return value


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
