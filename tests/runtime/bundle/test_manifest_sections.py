"""Schema 2 has room for four more sections: each is read strictly, and bundles of schema 1 stay as they were."""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle.loading import load_bundle
from runtime.bundle.manifest_reading import parse_manifest
from tests.fixtures.bundles import make_tiny_bundle
from trust.errors import BundleRejected

REPOSITORY = Path(__file__).parents[3]
SIZES = {"external_iliac": 20000.0, "obturator": 15000.0, "internal_iliac": 12000.0}
EXTENTS = dict.fromkeys(SIZES, 50.0)
STATIONS = {"side_count": 40, "volume_mm3": SIZES, "extent_mm": EXTENTS, "open_extent_mm": EXTENTS}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the decoded manifest of a good bundle."""
    folder = tmp_path_factory.mktemp("bundle")
    decoded: dict[str, Any] = json.loads((make_tiny_bundle(folder) / "manifest.json").read_text())
    return decoded


def test_a_bundle_is_written_in_schema_2_and_may_lack_every_later_section(manifest: dict[str, Any]) -> None:
    assert manifest["schema_version"] == "2"
    read = parse_manifest(manifest)
    assert (read.station_reference, read.image_reference, read.proof, read.modes) == (None, None, None, None)
    assert read.to_mapping() == manifest


def test_the_later_sections_survive_their_json(manifest: dict[str, Any]) -> None:
    whole = manifest | {
        "station_reference": STATIONS,
        "proof": {"speed": {"seconds": [1.5, None, True, "on two cores"]}},
        "modes": ["exact"],
    }
    read = parse_manifest(whole)
    assert read.station_reference is not None
    assert read.station_reference.volume_mm3["obturator"] == 15000.0
    assert read.proof == whole["proof"]
    assert json.loads(json.dumps(read.to_mapping())) == whole


def test_a_bundle_of_schema_1_reads_as_it_did_and_may_not_have_later_sections() -> None:
    mapping = json.loads((REPOSITORY / "models" / "demo" / "manifest.json").read_text())
    if mapping["schema_version"] == "1":
        assert load_bundle(REPOSITORY / "models" / "demo").manifest.to_mapping() == mapping
    older = {name: value for name, value in mapping.items() if name not in ("image_reference", "proof")}
    older["schema_version"] = "1"
    older.pop("station_reference", None)
    assert parse_manifest(older).to_mapping() == older
    with pytest.raises(BundleRejected, match=r"unknown \['proof'\]; allowed since schema 2, the bundle has '1'"):
        parse_manifest(older | {"proof": {}})


@pytest.mark.parametrize("section", ["station_reference", "image_reference", "proof"])
@pytest.mark.parametrize("value", [None, 3, "much", [], True, float("nan"), float("inf"), 10**400])
def test_a_section_that_is_no_object_is_rejected_by_name(manifest: dict[str, Any], section: str, value: object) -> None:
    with pytest.raises(BundleRejected, match=f"^{section} in the manifest is .*; allowed: an object"):
        parse_manifest(manifest | {section: value})


BAD_NUMBERS: list[Any] = [None, "3", [], {}, True, float("nan"), float("inf"), float("-inf"), 10**400, -1]


@pytest.mark.parametrize("value", BAD_NUMBERS)
@pytest.mark.parametrize(
    "place", ["side_count", "volume_mm3.obturator", "extent_mm.internal_iliac", "open_extent_mm.obturator"]
)
def test_a_number_of_the_station_reference_that_does_not_fit_is_rejected_by_name(
    manifest: dict[str, Any], place: str, value: object
) -> None:
    stations = json.loads(json.dumps(STATIONS))
    head, _, tail = place.partition(".")
    if tail:
        stations[head][tail] = value
    else:
        stations[head] = value
    with pytest.raises(BundleRejected, match=rf"^station_reference\.{place} in the manifest is "):
        parse_manifest(manifest | {"station_reference": stations})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"volume_mm3": None}, r"station_reference\.volume_mm3 in the manifest has NoneType; allowed: external_iliac"),
        ({"extent_mm": {"obturator": 50.0}}, r"station_reference\.extent_mm in the manifest has \['obturator'\]"),
        (
            {"volume_mm3": SIZES | {"mesorectal": 1.0}},
            r"station_reference\.volume_mm3 in the manifest has .*mesorectal",
        ),
        ({"volume_mm3": SIZES | {"obturator": 0}}, r"volume_mm3\.obturator in the manifest is 0; allowed: a number"),
        ({"more": 1}, r"station_reference in the manifest lacks \[\] and has unknown \['more'\]"),
    ],
)
def test_a_station_reference_needs_every_station_and_nothing_else(
    manifest: dict[str, Any], change: dict[str, object], message: str
) -> None:
    with pytest.raises(BundleRejected, match=message):
        parse_manifest(manifest | {"station_reference": STATIONS | change})


def _nested(levels: int) -> dict[str, Any]:
    return {"a": _nested(levels - 1)} if levels else {}


@pytest.mark.parametrize(
    ("proof", "message"),
    [
        ({"a": float("nan")}, r"proof\.a in the manifest is nan; allowed: a number"),
        ({"a": [1, float("inf")]}, r"proof\.a\[1\] in the manifest is inf; allowed: a number"),
        ({"a": {"b": 10**400}}, r"proof\.a\.b in the manifest is 10+\.\.\.; allowed: a number"),
        ({"a": b"bytes"}, r"proof\.a in the manifest is bytes; allowed: plain JSON"),
        ({"a": "x" * 10_001}, r"proof\.a in the manifest has 10001 characters; allowed: at most 10000"),
        ({3: "x"}, "a name in proof in the manifest is '3'; allowed: a text of at most 100"),
        ({"x" * 101: 1}, "a name in proof in the manifest is 'x+'; allowed: a text of at most 100"),
        ({"a": list(range(20_000))}, "proof in the manifest is too large; allowed: 20000 values"),
        (_nested(13), "proof in the manifest is too deep; allowed: 12 levels"),
    ],
)
def test_a_proof_is_plain_json_of_a_bounded_size(manifest: dict[str, Any], proof: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleRejected, match=message):
        parse_manifest(manifest | {"proof": proof})


@pytest.mark.parametrize("modes", [[], ["fast"], ["exact", "exact"], ["exact", "quick"], "exact", None])
def test_modes_are_exact_or_exact_and_fast(manifest: dict[str, Any], modes: Any) -> None:
    with pytest.raises(BundleRejected, match="modes"):
        parse_manifest(manifest | {"modes": modes})
