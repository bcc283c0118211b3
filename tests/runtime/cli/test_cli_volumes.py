"""NIfTI and NRRD at the command line: the nodes of the DICOM series, and label maps for 3D Slicer and ITK-SNAP."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK

from core.reading import read_series
from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle, running_server

UNKNOWN = "voxels without DICOM headers: sequence, identity and whether the subject is a phantom are unknown"


@pytest.fixture(scope="module")
def nifti(series: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the series as NIfTI, by SimpleITK from the voxels that were read."""
    volume = read_series(series).volume
    picture = SimpleITK.GetImageFromArray(volume.voxels)
    picture.SetSpacing(volume.spacing_mm[::-1])  # type: ignore[no-untyped-call]
    picture.SetOrigin(volume.origin_lps_mm)  # type: ignore[no-untyped-call]
    picture.SetDirection(volume.direction[:, ::-1].ravel().tolist())  # type: ignore[no-untyped-call]
    path = tmp_path_factory.mktemp("nifti") / "image.nii.gz"
    SimpleITK.WriteImage(picture, str(path))
    return path


def findings_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "findings.json").read_text())
    return found


def places(findings: dict[str, Any]) -> list[list[float]]:
    return [[*node["centroid_lps_mm"], node["short_axis_mm"], node["volume_mm3"]] for node in findings["nodes"]]


def test_a_phantom_has_the_same_nodes_as_dicom_and_as_nifti(
    run: Run, bundle: TinyBundle, series: Path, nifti: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.nii.gz"
    for source, name, more in ((series, "dicom", ("--label-map", labels)), (nifti, "nifti", ())):
        done = run("analyze", source, "--bundle", bundle.path, "--out", tmp_path / name, *more)
        assert done.exit_code == 0, done.output
    of_dicom, of_nifti = findings_of(tmp_path / "dicom"), findings_of(tmp_path / "nifti")
    assert len(of_dicom["nodes"]) == 2
    np.testing.assert_allclose(places(of_nifti), places(of_dicom), atol=1e-2)
    assert (of_nifti["input"]["source"], of_nifti["status"]) == ("volume", "demonstration")
    assert UNKNOWN in of_nifti["warnings"]
    assert UNKNOWN not in of_dicom["warnings"]
    assert run("replay", tmp_path / "nifti" / "findings.json").exit_code == 0
    _assert_covers_the_nodes(labels, of_dicom)


def _assert_covers_the_nodes(labels: Path, findings: dict[str, Any]) -> None:
    """Assert that each node's value covers its centre and volume, by SimpleITK, and that the tables name it."""
    picture = SimpleITK.ReadImage(str(labels))
    voxels = SimpleITK.GetArrayFromImage(picture)
    voxel_mm3 = float(np.prod(picture.GetSpacing()))  # type: ignore[no-untyped-call]
    table = labels.with_name("labels.itksnap.txt").read_text()
    for node in findings["nodes"]:
        value = 100 + node["id"]
        index = picture.TransformPhysicalPointToIndex(node["centroid_lps_mm"])  # type: ignore[no-untyped-call]
        assert picture[index] == value
        assert np.count_nonzero(voxels == value) * voxel_mm3 == pytest.approx(node["volume_mm3"], rel=0.5)
        assert f'"node {node["id"]} {node["side"]} {node["station"].replace("_", " ")}"' in table
        assert f"\n{value} node_{node['id']}_" in labels.with_name("labels.ctbl").read_text()
    named = {int(line.split()[0]) for line in table.splitlines() if not line.startswith("#")}
    assert set(np.unique(voxels)) <= named
    header: Any = nibabel.load(labels).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)


def test_submit_sends_a_nifti_image_and_an_nrrd_label_map_has_slicers_fields(
    run: Run, bundle: TinyBundle, nifti: Path, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.nrrd"
    done = run("analyze", nifti, "--bundle", bundle.path, "--out", tmp_path / "here", "--label-map", labels)
    assert done.exit_code == 0, done.output
    with running_server(bundle, tmp_path) as server:
        done = run("submit", nifti, "--server", server.address, "--out", tmp_path / "there")
    assert done.exit_code == 0, done.output
    here, there = findings_of(tmp_path / "here"), findings_of(tmp_path / "there")
    assert there["nodes"] == here["nodes"]
    assert there["warnings"] == here["warnings"]
    voxels, header = nrrd.read(str(labels))
    names = {int(header[f"Segment{n}_LabelValue"]): header[f"Segment{n}_Name"] for n in range(2)}
    assert set(names) <= set(np.unique(voxels))
    assert header["space"] == "left-posterior-superior"


def test_a_label_map_of_another_ending_is_refused_before_the_analysis(
    run: Run, bundle: TinyBundle, nifti: Path, tmp_path: Path
) -> None:
    done = run("analyze", nifti, "--bundle", bundle.path, "--out", tmp_path / "out", "--label-map", tmp_path / "a.png")
    assert done.exit_code == 2
    assert "allowed: a file name that ends in .nii, .nii.gz or .nrrd" in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_headers_refuse_is_refused_before_a_model_or_a_writer_of_dicom_is_loaded(
    bundle: TinyBundle, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("This is no MRI.\n")
    program = (
        "import sys\n"
        "from runtime.cli import app\n"
        "try:\n"
        "    app(sys.argv[1:])\n"
        "except SystemExit as end:\n"
        "    heavy = {'openvino', 'onnxruntime', 'highdicom', 'nibabel', 'nrrd', 'torch'} & set(sys.modules)\n"
        "    print(end.code, sorted(heavy))\n"
    )
    arguments = ["analyze", tmp_path / "notes.txt", "--bundle", bundle.path, "--out", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=bundle.environment,
    )
    assert done.stdout.splitlines()[-1] == "3 []", done.stderr
    found = findings_of(tmp_path / "out")
    assert [reason["code"] for reason in found["refusal"]] == ["not_dicom"]
    assert found["model"]["fold_count"] >= 1
