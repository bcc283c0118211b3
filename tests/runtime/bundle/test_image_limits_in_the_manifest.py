"""The limits of the gates on the image are read from the bundle, strictly, and default where it has none."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from core.judging.image_reference import ImageReference
from runtime.bundle.manifest_reading import parse_manifest
from tests.fixtures.bundles import make_tiny_bundle
from trust.errors import BundleRejected

LIMITS = asdict(ImageReference(max_distance_sd=4.5, min_grey_levels=20.0))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = make_tiny_bundle(tmp_path_factory.mktemp("bundle"))
    decoded: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    assert parse_manifest(decoded).image_reference is None
    return decoded


def test_the_limits_survive_their_json(manifest: dict[str, Any]) -> None:
    whole = manifest | {"image_reference": LIMITS}
    read = parse_manifest(whole)
    assert read.image_reference == ImageReference(max_distance_sd=4.5, min_grey_levels=20.0)
    assert json.loads(json.dumps(read.to_mapping())) == whole


@pytest.mark.parametrize(
    "value", [None, "6", True, [], 0, -1, float("nan"), float("inf"), 10**400], ids=lambda value: str(value)[:9]
)
@pytest.mark.parametrize("name", sorted(LIMITS))
def test_a_limit_that_does_not_fit_is_rejected_by_name(manifest: dict[str, Any], name: str, value: object) -> None:
    with pytest.raises(BundleRejected, match=rf"image_reference\.{name} "):
        parse_manifest(manifest | {"image_reference": LIMITS | {name: value}})


def test_a_limit_too_many_and_one_too_few_are_rejected(manifest: dict[str, Any]) -> None:
    with pytest.raises(BundleRejected, match="largest_slice"):
        parse_manifest(manifest | {"image_reference": LIMITS | {"largest_slice": 3}})
    fewer = {name: value for name, value in LIMITS.items() if name != "copy_correlation"}
    with pytest.raises(BundleRejected, match="copy_correlation"):
        parse_manifest(manifest | {"image_reference": fewer})
