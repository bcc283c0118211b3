"""The adapters of cornerstone, with which OHIF reads reports, take the axes of a node for calipers of their own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from tests.fixtures.npm_packages import installed
from tests.runtime.results.cases import AXIAL, Case, build_case, dicom_files

OBLIQUE = Rotation.from_euler("xyz", (20, -12, 8), degrees=True).as_matrix() @ AXIAL
CASES: dict[str, dict[str, Any]] = {
    "classic": {},
    "oblique": {"direction": OBLIQUE},
    "flipped": {"flips": (True, True, False)},
}

pytestmark = pytest.mark.trial


@pytest.fixture(scope="session")
def reader(pytestconfig: pytest.Config) -> list[str]:
    """Return the command that reads a report: the packages are modules for browsers, made into one file for node."""
    node, folder = installed(Path(__file__).parent / "cornerstone", pytestconfig)
    bundled = folder / "bundled.cjs"
    command = [str(folder / "node_modules" / ".bin" / "esbuild"), "read_calipers.mjs", "--bundle", "--platform=node"]
    subprocess.run([*command, "--format=cjs", f"--outfile={bundled}", "--log-level=error"], cwd=folder, check=True)
    return [node, str(bundled)]


def _plane(header: Dataset) -> dict[str, Any]:
    """Return the plane of an image as a metadata provider gives it.

    The spacings are exchanged: the adapters go along a row by the spacing of rows (cornerstone3D 2758), which is wrong
    for pixels that are no squares, as those of these cases.
    """
    cosines = [float(value) for value in header.ImageOrientationPatient]
    down, across = (float(value) for value in header.PixelSpacing)
    return {
        "rowCosines": cosines[:3],
        "columnCosines": cosines[3:],
        "imagePositionPatient": [float(value) for value in header.ImagePositionPatient],
        "rowPixelSpacing": across,
        "columnPixelSpacing": down,
        "frameOfReferenceUID": header.FrameOfReferenceUID,
    }


def _read(reader: list[str], case: Case, folder: Path) -> dict[str, Any]:
    (folder / "report.dcm").write_bytes(dicom_files(case)["report.dcm"])
    planes = {str(header.SOPInstanceUID): _plane(header) for header in case.series.headers}
    (folder / "planes.json").write_text(json.dumps(planes))
    answer = subprocess.run(
        [*reader, folder / "report.dcm", folder / "planes.json"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_calipers_lie_on_the_ends_of_both_axes_and_say_their_lengths(
    name: str, reader: list[str], tmp_path: Path
) -> None:
    case = build_case(**CASES[name])
    found = _read(reader, case, tmp_path)
    assert found["tools"] == ["Bidirectional"]
    calipers = {each["trackingUid"]: each for each in found["calipers"]}
    assert set(calipers) == {node.tracking_uid for node in case.findings.nodes}
    normal = case.series.volume.direction[:, 0]
    for node in case.findings.nodes:
        caliper = calipers[node.tracking_uid]
        assert (caliper["sizes"]["length"], caliper["sizes"]["width"]) == (node.long_axis_mm, node.short_axis_mm)
        ends = np.array([*node.axis_endpoints_lps_mm["long"], *node.axis_endpoints_lps_mm["short"]])
        apart = np.array(caliper["points"]) - ends
        # Where the axes of this made case do not lie in the plane of a slice, they are seen along its normal.
        in_plane = apart - np.outer(apart @ normal, normal)
        assert np.abs(in_plane).max() < 0.01
        assert np.abs(apart @ normal).max() <= 0.5 * case.series.volume.spacing_mm[0] + 4.0
