"""A finished bundle gets the sections that came after it: same networks, a new digest, a new signature."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from base.errors import SidewallError
from core.volume import Volume
from export.cli import app
from export.errors import ExportFailed
from export.renewing import renew_bundle
from export.station_sizes import labels_beside, stations_of
from runtime.bundle.loading import load_bundle
from tests.core.bodies import grid, stations
from tests.fixtures.bundles import make_tiny_bundle
from trust.errors import BundleRejected
from trust.signing import canonical_json, sign

DEMO_STATIONS = Path(__file__).parents[2] / "benchmarks" / "results" / "demo_stations.json"


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def _as_schema_1(bundle: Path, key: Ed25519PrivateKey) -> None:
    mapping = json.loads((bundle / "manifest.json").read_text()) | {"schema_version": "1"}
    (bundle / "manifest.json").write_text(json.dumps(mapping))
    (bundle / "manifest.sig").write_text(sign(canonical_json(mapping), key))


def test_a_bundle_of_schema_1_gets_its_sections(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    bundle = make_tiny_bundle(tmp_path, key=key)
    _as_schema_1(bundle, key)
    before = load_bundle(bundle, tmp_path / "keys")
    section = json.loads(DEMO_STATIONS.read_text())
    renew_bundle(bundle, {"station_reference": section, "proof": {"seconds": 3}}, "1.1.0", key)
    after = load_bundle(bundle, tmp_path / "keys")
    assert (before.manifest.schema_version, after.manifest.schema_version) == ("1", "2")
    assert (after.version, after.manifest.proof) == ("1.1.0", {"seconds": 3})
    assert after.manifest.station_reference is not None
    assert after.manifest.station_reference.open_extent_mm["obturator"] == section["open_extent_mm"]["obturator"]
    assert after.manifest.files == before.manifest.files
    assert after.digest != before.digest


def test_a_section_that_does_not_fit_leaves_the_bundle_as_it_was(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    bundle = make_tiny_bundle(tmp_path, key=key)
    before = (bundle / "manifest.json").read_bytes()
    with pytest.raises(BundleRejected, match="station_reference in the manifest lacks"):
        renew_bundle(bundle, {"station_reference": {"side_count": 3}}, None, key)
    with pytest.raises(ExportFailed, match="no section is given; allowed: one or more of image_reference, proof"):
        renew_bundle(bundle, {}, None, key)
    assert (bundle / "manifest.json").read_bytes() == before
    load_bundle(bundle, tmp_path / "keys")


def _write_labels(folder: Path, count: int) -> None:
    """Write label maps whose regional stations have 20 to 20 + count - 1 slices of 4 mm, 29 x 24 pixels of 1 mm."""
    folder.mkdir(parents=True)
    for case in range(count):
        volume = grid((44, 81, 121), (4.0, 1.0, 1.0))
        labels = stations(volume)
        labels[:2], labels[22 + case :] = 0, 0
        _write(volume.with_voxels(labels), folder / f"case_{case:02d}.nii.gz")


def _write(labels: Volume, path: Path) -> None:
    image: Any = SimpleITK.GetImageFromArray(labels.voxels)
    image.SetSpacing(labels.spacing_mm[::-1])
    image.SetOrigin(labels.origin_lps_mm)
    image.SetDirection(np.asarray(labels.direction)[:, ::-1].ravel().tolist())
    SimpleITK.WriteImage(image, str(path))


def test_the_command_measures_label_maps(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    bundle = make_tiny_bundle(tmp_path, key=key)
    _write_labels(tmp_path / "raw" / "labelsTr", 11)
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    command = ["renew", str(bundle), "--label-maps", str(tmp_path / "raw" / "labelsTr")]
    done = CliRunner().invoke(app, [*command, "--key", str(tmp_path / "key.pem")])
    assert done.exit_code == 0, done.output
    assert "station_reference written, signed" in done.output
    reference = load_bundle(bundle, tmp_path / "keys").manifest.station_reference
    assert reference is not None
    # Two sides of eleven cases, 80, 80, 84, 84 ... 120 mm: at 1 + 21 * 0.3 = 7.3 both neighbours are 92.
    assert reference.side_count == 22
    assert reference.open_extent_mm["obturator"] == 92.0
    assert reference.volume_mm3["obturator"] == pytest.approx(29 * 24 * 80, rel=0.01)


def test_only_one_source_of_a_section_may_be_given(tmp_path: Path) -> None:
    given = ["--label-maps", str(tmp_path), "--station-reference", str(DEMO_STATIONS)]
    done = CliRunner().invoke(app, ["renew", str(tmp_path), *given])
    assert isinstance(done.exception, SidewallError)
    assert "either --station-reference or --label-maps" in str(done.exception)


def test_too_few_whole_cases_are_refused_and_labels_lie_beside_the_images(tmp_path: Path) -> None:
    images = tmp_path / "raw" / "imagesTr"
    assert labels_beside(images) is None
    _write_labels(tmp_path / "raw" / "labelsTr", 4)
    assert labels_beside(images) == tmp_path / "raw" / "labelsTr"
    with pytest.raises(ExportFailed, match="needs at least 10 whole sides, got 8 of external_iliac"):
        stations_of(tmp_path / "raw" / "labelsTr", 40)
