"""The strict reading of a bundle's manifest from JSON.

Every field is required and unknown fields are refused: a manifest of another schema must not half load. Only what came
after the first bundles may be left out: scoring rules (`core.rules.optional_rules`) and `variants`, and with
schema 2 the sections of `LATER_SECTIONS`, which a manifest of schema 1 does not have.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final, Literal, cast, get_args

from base.errors import SettingInvalid
from core.judging.image_reference import ImageReference, optional_limits
from core.judging.input_statistics import InputReference
from core.judging.station_reference import StationReference
from core.labels import LABEL_NAMES, STATION_LABELS, Station
from core.rules import LATER_SOURCE, ScoringRules, optional_rules
from core.site_choices import changeable_rules, check_site_rule
from runtime.bundle.manifest import (
    CANONICAL_ORIENTATION,
    LARGEST_BUNDLE_BYTES,
    LATER_SECTIONS,
    MANIFEST_NAME,
    MODES,
    READ_VERSIONS,
    SCHEMA_VERSION,
    SIGNATURE_NAME,
    FileEntry,
    Golden,
    HalfPrecision,
    Manifest,
    Preprocessing,
    Resampling,
    Tiling,
)
from trust.errors import BundleRejected
from trust.fields import exact_fields, items, number, numbers, one_of, plain_json, shown, text, whole_number
from trust.signing import TrainedOn

_SPLINE_ORDERS: Final = (0, 1, 3)
_MOST_FILES: Final = 1000
_MOST_FOLDS: Final = 100
_LARGEST_PATCH: Final = 2048
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_MOST_CASES: Final = 1_000_000
_LARGEST_STATISTIC: Final = 1e9
"""Of the statistics of an image, whose intensities are shares: far above any."""

_LEAST_TEMPERATURE: Final = 1e-3
_LARGEST_TEMPERATURE: Final = 1e3
_LEAST_SIZE: Final = 0.1
_LARGEST_SIZE: Final = 1e6
"""Of a station, in mm or mm3: a reference of nothing would let everything pass as seen."""

_LEAST_LIMIT: Final = 1e-6
_LARGEST_LIMIT: Final = 1e6
"""Of the gates on the image: SD, grey levels, correlations."""

_LONGEST_PATH: Final = 100
"""What the oldest tar header holds without extensions."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def parse_manifest(mapping: Mapping[str, Any]) -> Manifest:
    """Return the manifest of a decoded manifest.json; raises `BundleRejected` naming the field that does not fit."""
    schema = mapping.get("schema_version")
    if not isinstance(schema, str) or schema not in READ_VERSIONS:
        read = " and ".join(map(repr, READ_VERSIONS))
        raise BundleRejected(f"the bundle's schema_version is {shown(schema)}; this version reads {read}")
    fields = exact_fields(mapping, Manifest, "manifest", LATER_SECTIONS | {"variants"})
    if schema == "1" and fields.keys() & LATER_SECTIONS:
        raise BundleRejected(
            f"manifest in the manifest has unknown {sorted(fields.keys() & LATER_SECTIONS)}; allowed since schema "
            f"{SCHEMA_VERSION}, the bundle has {schema!r}"
        )
    provenance = fields["provenance"]
    if not isinstance(provenance, Mapping):
        raise BundleRejected(f"provenance in the manifest is {type(provenance).__name__}; allowed: an object")
    return Manifest(
        schema_version=schema,
        name=text(fields["name"], "name"),
        version=text(fields["version"], "version"),
        created=text(fields["created"], "created"),
        trained_on=cast("TrainedOn", one_of(fields["trained_on"], get_args(TrainedOn), "trained_on")),
        intended_use=text(fields["intended_use"], "intended_use"),
        labels=_labels(fields["labels"]),
        preprocessing=_preprocessing(fields["preprocessing"]),
        tiling=_tiling(fields["tiling"]),
        folds=_paths(fields["folds"], "folds"),
        golden=_golden(fields["golden"]),
        scoring=_scoring(fields["scoring"]),
        input_reference=_reference(fields["input_reference"]),
        provenance=dict(provenance),
        files=_files(fields["files"]),
        variants=_variants(fields.get("variants", {})),
        station_reference=parse_stations(fields["station_reference"]) if "station_reference" in fields else None,
        image_reference=_image_reference(fields["image_reference"]) if "image_reference" in fields else None,
        proof=plain_json(fields["proof"], "proof") if "proof" in fields else None,
        modes=_modes(fields["modes"]) if "modes" in fields else None,
    )


def _preprocessing(mapping: Mapping[str, Any]) -> Preprocessing:
    fields = exact_fields(mapping, Preprocessing, "preprocessing")
    spacing = items(fields["spacing_mm"], 3, 3, "preprocessing.spacing_mm")
    z, y, x = (float(number(value, 0.01, 100, "preprocessing.spacing_mm")) for value in spacing)
    return Preprocessing(
        orientation=one_of(fields["orientation"], (CANONICAL_ORIENTATION,), "preprocessing.orientation"),
        spacing_mm=(z, y, x),
        normalisation=cast(
            "Literal['zscore']", one_of(fields["normalisation"], ("zscore",), "preprocessing.normalisation")
        ),
        use_mask_for_norm=one_of(fields["use_mask_for_norm"], (True, False), "preprocessing.use_mask_for_norm"),
        data=_resampling(fields["data"], "preprocessing.data"),
        logits=_resampling(fields["logits"], "preprocessing.logits"),
    )


def _resampling(mapping: Mapping[str, Any], name: str) -> Resampling:
    fields = exact_fields(mapping, Resampling, name)
    one_of(fields["order"], _SPLINE_ORDERS, f"{name}.order")
    one_of(fields["order_z"], _SPLINE_ORDERS, f"{name}.order_z")
    one_of(fields["force_separate_z"], (None, True, False), f"{name}.force_separate_z")
    return Resampling(**fields)


def _tiling(mapping: Mapping[str, Any]) -> Tiling:
    fields = exact_fields(mapping, Tiling, "tiling")
    patch = items(fields["patch_size"], 3, 3, "tiling.patch_size")
    z, y, x = (whole_number(value, 1, _LARGEST_PATCH, "tiling.patch_size") for value in patch)
    # nnU-Net's default is 0.5; a step near zero would make millions of tiles of one case.
    return Tiling(patch_size=(z, y, x), step_size=float(number(fields["step_size"], 0.05, 1, "tiling.step_size")))


def _golden(mapping: Mapping[str, Any]) -> Golden:
    fields = exact_fields(mapping, Golden, "golden")
    return Golden(
        input=text(fields["input"], "golden.input"),
        expected=text(fields["expected"], "golden.expected"),
        max_differing_share=number(fields["max_differing_share"], 0, 1, "golden.max_differing_share"),
        min_dice=number(fields["min_dice"], 0, 1, "golden.min_dice"),
        min_dice_voxels=whole_number(fields["min_dice_voxels"], 0, 1 << 40, "golden.min_dice_voxels"),
    )


def _scoring(mapping: Mapping[str, Any]) -> ScoringRules:
    """Return the rules; those that an older bundle does not know have their default, and the source says so."""
    fields = exact_fields(mapping, ScoringRules, "scoring", optional_rules())
    for name in ("id", "source"):
        text(fields[name], f"scoring.{name}")
    for name in fields.keys() & set(changeable_rules()):
        number(fields[name], float("-inf"), float("inf"), f"scoring.{name}")
        try:
            check_site_rule(name, fields[name])
        except SettingInvalid as error:
            raise BundleRejected(
                f"scoring.{name} in the manifest is {shown(error.value)}; allowed: {error.allowed}"
            ) from error
    if "temperature" in fields:
        number(fields["temperature"], _LEAST_TEMPERATURE, _LARGEST_TEMPERATURE, "scoring.temperature")
    rules = ScoringRules(**fields)
    missing = sorted(optional_rules() - set(fields))
    if not missing:
        return rules
    source = f"{rules.source}; by default, since the bundle does not say: {', '.join(missing)}"
    return dataclasses.replace(rules, source=source if LATER_SOURCE in source else f"{source} ({LATER_SOURCE})")


def _reference(mapping: Any) -> InputReference | None:
    if mapping is None:
        return None
    fields = exact_fields(mapping, InputReference, "input_reference")
    whole_number(fields["case_count"], 1, _MOST_CASES, "input_reference.case_count")
    numbers(fields["mean"], -_LARGEST_STATISTIC, _LARGEST_STATISTIC, "input_reference.mean")
    numbers(fields["sd"], 0, _LARGEST_STATISTIC, "input_reference.sd")
    for name in fields.keys() - {"case_count", "mean", "sd"}:
        number(fields[name], 0, _LARGEST_STATISTIC, f"input_reference.{name}")
    try:
        return InputReference.from_mapping(fields)
    except ValueError as error:
        raise BundleRejected(f"input_reference in the manifest does not fit: {error}") from error


def parse_stations(mapping: Any) -> StationReference:
    """Return a decoded `station_reference`; raises `BundleRejected` naming the field that does not fit."""
    fields = exact_fields(mapping, StationReference, "station_reference")
    return StationReference(
        side_count=whole_number(fields["side_count"], 1, _MOST_CASES, "station_reference.side_count"),
        volume_mm3=_per_station(fields["volume_mm3"], "station_reference.volume_mm3"),
        extent_mm=_per_station(fields["extent_mm"], "station_reference.extent_mm"),
        open_extent_mm=_per_station(fields["open_extent_mm"], "station_reference.open_extent_mm"),
    )


def _per_station(mapping: Any, name: str) -> dict[Station, float]:
    """Return a positive size for each station."""
    if not isinstance(mapping, Mapping) or set(mapping) != set(STATION_LABELS.values()):
        got = shown(sorted(map(str, mapping))) if isinstance(mapping, Mapping) else type(mapping).__name__
        raise BundleRejected(f"{name} in the manifest has {got}; allowed: {', '.join(STATION_LABELS.values())}")
    return {
        station: number(mapping[station], _LEAST_SIZE, _LARGEST_SIZE, f"{name}.{station}")
        for station in STATION_LABELS.values()
    }


def _image_reference(mapping: Any) -> ImageReference:
    fields = exact_fields(mapping, ImageReference, "image_reference", optional_limits())
    return ImageReference(
        **{
            name: float(number(value, _LEAST_LIMIT, _LARGEST_LIMIT, f"image_reference.{name}"))
            for name, value in fields.items()
        }
    )


def _labels(mapping: Any) -> dict[str, int]:
    # True and 1.0 equal 1, and are no labels.
    if mapping != LABEL_NAMES or any(type(value) is not int for value in mapping.values()):
        raise BundleRejected(f"the bundle's labels are {shown(mapping)}; this version reads {LABEL_NAMES}")
    return dict(LABEL_NAMES)


def _paths(value: Any, name: str) -> tuple[str, ...]:
    return tuple(text(path, name) for path in items(value, 0, _MOST_FOLDS, name))


def _variants(mapping: Any) -> dict[HalfPrecision, tuple[str, ...]]:
    if not isinstance(mapping, Mapping):
        raise BundleRejected(f"variants in the manifest is {type(mapping).__name__}; allowed: an object")
    for precision in mapping:
        one_of(precision, get_args(HalfPrecision), "a name of variants")
    return {precision: _paths(paths, f"variants.{precision}") for precision, paths in mapping.items()}


def _modes(value: Any) -> tuple[str, ...]:
    """Return the modes; without `exact`, which all others are held to, there is nothing to serve."""
    modes = tuple(one_of(each, MODES, "modes") for each in items(value, 1, len(MODES), "modes"))
    if "exact" not in modes or len(set(modes)) < len(modes):
        raise BundleRejected(f"modes in the manifest is {shown(list(modes))}; allowed: exact, or exact and fast")
    return modes


def _files(value: Any) -> tuple[FileEntry, ...]:
    """Return the entries; a path names one file on every file system, and stays inside the bundle."""
    entries = tuple(_file_entry(entry) for entry in items(value, 0, _MOST_FILES, "files"))
    folded = [entry.path.casefold() for entry in entries]
    folders = {str(parent) for path in folded for parent in PurePosixPath(path).parents}
    twice = sorted({path for path in folded if folded.count(path) > 1 or path in folders})
    if twice:
        raise BundleRejected(f"files in the manifest names twice, or as file and folder: {', '.join(twice)}")
    size = sum(entry.bytes for entry in entries)
    if size > LARGEST_BUNDLE_BYTES:
        raise BundleRejected(f"the bundle's files have {size} bytes; allowed: {LARGEST_BUNDLE_BYTES}")
    return entries


def _file_entry(mapping: Any) -> FileEntry:
    fields = exact_fields(mapping, FileEntry, "files")
    path = text(fields["path"], "files.path")
    if path.startswith("/") or ".." in path.split("/"):
        raise BundleRejected(f"file {path!r} lies outside the bundle")
    if len(path) > _LONGEST_PATH or not _PLAIN_PATH.fullmatch(path) or path in (MANIFEST_NAME, SIGNATURE_NAME):
        allowed = f"letters, digits, _ . - and /, no part beginning with . or -, at most {_LONGEST_PATH} characters"
        raise BundleRejected(f"file {path!r} has no name for a bundle's file; allowed: {allowed}")
    sha256 = text(fields["sha256"], f"files.sha256 of {path}")
    if not _SHA256.fullmatch(sha256):
        raise BundleRejected(f"files.sha256 of {path} in the manifest is {sha256!r}; allowed: 64 hexadecimal digits")
    return FileEntry(path, sha256, whole_number(fields["bytes"], 0, LARGEST_BUNDLE_BYTES, f"files.bytes of {path}"))
