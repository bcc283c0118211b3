"""Every place of a manifest, given everything that does not belong there: rejected by name, never another error."""

import copy
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.judging.image_reference import ImageReference
from core.rules import ScoringRules
from runtime.bundle.loading import load_bundle
from runtime.bundle.manifest_reading import parse_manifest
from tests.fixtures.bundles import make_tiny_bundle, reseal
from trust.errors import BundleRejected

Place = tuple[str | int, ...]

STATIONS: Final = {"external_iliac": 20000.0, "obturator": 15000.0, "internal_iliac": 12000.0}
BAD: Final[dict[str, Any]] = {
    "null": None,
    "a text": "something else",
    "an empty text": "",
    "a long text": "x" * 1_000_000,
    "a list": [],
    "a list of null": [None],
    "an object": {},
    "an object of null": {"x": None},
    "true": True,
    "a negative number": -1,
    "a fraction": 0.123,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "huge": 1e308,
    "beyond any float": 10**400,
    "more digits than are shown": 10**5000,
}
FREE: Final = ("provenance", "proof")
"""Sections of plain JSON, which nothing decides by."""

TEXTS: Final = (
    "name", "version", "created", "intended_use", "folds", "golden.input", "golden.expected", "scoring.id",
    "scoring.source", "variants.float16",
)  # fmt: skip
FRACTIONS: Final = (
    "tiling.step_size", "golden.max_differing_share", "golden.min_dice", "preprocessing.spacing_mm", "scoring.",
    "input_reference.", "image_reference.",
    "station_reference.volume_mm3.", "station_reference.extent_mm.", "station_reference.open_extent_mm.",
)  # fmt: skip
ALLOWED: Final = {
    "null": ("input_reference", "preprocessing.data.force_separate_z", "preprocessing.logits.force_separate_z"),
    "a text": TEXTS,
    "a list": ("folds", "files", "variants.float16"),
    "an object": ("variants",),
    "true": (
        "preprocessing.use_mask_for_norm",
        "preprocessing.data.force_separate_z",
        "preprocessing.logits.force_separate_z",
    ),
    "a negative number": ("input_reference.mean.",),
    "a fraction": FRACTIONS,
}
"""What is right in some places: kind of value -> places; with a point at the end all places below one."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return a good manifest that has every section and every field."""
    mapping: dict[str, Any] = json.loads(
        (make_tiny_bundle(tmp_path_factory.mktemp("whole")) / "manifest.json").read_text()
    )
    statistics = {"noise": 0.5, "air_share": 0.25}
    mapping |= {
        "input_reference": {
            "mean": statistics, "sd": statistics, "case_count": 40,
            "distance_p50": 0.5, "distance_p95": 1.5, "distance_p99": 2.5,
        },
        "variants": {"float16": ["fold_0.float16.onnx", "fold_1.float16.onnx"]},
        "station_reference": {
            "side_count": 40, "volume_mm3": STATIONS, "extent_mm": dict.fromkeys(STATIONS, 50.0),
            "open_extent_mm": dict.fromkeys(STATIONS, 70.0),
        },
        "image_reference": asdict(ImageReference()),
        "proof": {"speed": {"seconds": [1.5, None]}},
    }  # fmt: skip
    assert set(mapping["scoring"]) == {*vars(ScoringRules())}
    return mapping


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    """Yield every place of a tree, inner ones too, but of a long list the first item alone."""
    parts = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*above, key)
        yield from places(part, (*above, key))


def with_value(mapping: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """Return a copy with another value in one place."""
    changed = copy.deepcopy(mapping)
    inner: Any = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


def is_allowed(place: Place, kind: str) -> bool:
    """Return whether a value of that kind is right in a place; below `a.` all places of a are meant."""
    name = ".".join(str(key) for key in place if isinstance(key, str))
    listed = ALLOWED.get(kind, ())
    return place[0] in FREE or name in listed or any(each.endswith(".") and name.startswith(each) for each in listed)


def refusal(mapping: dict[str, Any]) -> str | None:
    """Return why a manifest is rejected, None when it is not; any other error is a fault."""
    try:
        parse_manifest(mapping)
    except BundleRejected as error:
        return str(error)
    return None


@pytest.mark.parametrize("kind", BAD)
def test_what_does_not_belong_in_a_place_is_rejected_there(whole: dict[str, Any], kind: str) -> None:
    assert refusal(whole) is None
    accepted = []
    for place in places(whole):
        said = refusal(with_value(whole, place, BAD[kind]))
        if said is None:
            accepted.append(place)
        else:
            assert len(said) < 2_000, place
            assert ("file" if place[0] == "files" else str(place[0])) in said, (place, said)
    assert [place for place in accepted if not is_allowed(place, kind)] == []


def test_a_place_that_is_left_out_is_rejected_or_has_its_default(whole: dict[str, Any]) -> None:
    later = {"variants", "station_reference", "image_reference", "proof"}
    for name in whole:
        less = {key: value for key, value in whole.items() if key != name}
        if name in later:
            parse_manifest(less)
        else:
            with pytest.raises(BundleRejected, match=name):
                parse_manifest(less)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("null", "scoring.temperature in the manifest is None; allowed: a number"),
        ('"1"', "scoring.temperature in the manifest is '1'; allowed: a number"),
        ("0", "scoring.temperature in the manifest is 0; allowed: "),
        ("NaN", "manifest.json of the bundle is not whole JSON: NaN is not a JSON number"),
        ("1e999", "manifest.json of the bundle is not whole JSON"),
        ("1" + "0" * 400, "scoring.temperature in the manifest is 1000"),
        ("1" + "0" * 5000, "manifest.json of the bundle is not whole JSON"),
    ],
)
def test_a_signed_bundle_with_an_odd_temperature_is_rejected(text: str, message: str, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    bundle = make_tiny_bundle(tmp_path, key=key)
    scoring = json.loads((bundle / "manifest.json").read_text())["scoring"] | {"temperature": "HERE"}
    reseal(bundle, key, scoring=scoring)
    file = bundle / "manifest.json"
    file.write_text(file.read_text().replace('"HERE"', text))
    try:
        mapping = json.loads(file.read_text())
        reseal(bundle, key, scoring=mapping["scoring"])
    except ValueError:
        pass  # What canonical JSON does not have cannot be signed; it must not get as far as the signature either.
    with pytest.raises(BundleRejected, match=f"^{message}"):
        load_bundle(bundle, trusted_keys=tmp_path / "keys")
