import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from runtime.core.findings_json import from_json
from runtime.core.reading import read_series
from runtime.core.volume import canonicalise
from runtime.results.artefacts import write_artefacts, write_dicom
from runtime.results.regions import CaseRegions
from tests.runtime.results.cases import CENTRE_LPS_MM, CREATED, Case, build_case

CASES = {
    "positive": {},
    "negative": {"status": "negative", "with_nodes": False},
    "demonstration": {"status": "demonstration"},
    "sides unknown": {"status": "indeterminate", "trusted": False},
    "nothing segmented": {"status": "indeterminate", "with_nodes": False, "with_stations": False},
    "enhanced": {"enhanced": True},
}


def test_a_dicom_case_leaves_findings_segmentation_report_and_pictures() -> None:
    case = build_case()
    artefacts = write_artefacts(case.findings, case.regions, series=case.series, created=CREATED)
    assert [(artefact.name, artefact.media_type) for artefact in artefacts] == [
        ("findings.json", "application/json"),
        ("segmentation.dcm", "application/dicom"),
        ("report.dcm", "application/dicom"),
        ("keyimages/node_01.png", "image/png"),
        ("keyimages/node_02.png", "image/png"),
        ("contact_sheet.png", "image/png"),
    ]
    assert from_json(artefacts[0].data.decode()).case == case.findings.case


def test_bare_voxels_leave_findings_and_pictures_only() -> None:
    case = build_case(with_nodes=False)
    artefacts = write_artefacts(case.findings, case.regions, series=None, created=CREATED)
    assert [artefact.name for artefact in artefacts] == ["findings.json", "keyimages/stations.png", "contact_sheet.png"]


def test_a_refused_case_leaves_its_findings_alone() -> None:
    findings = replace(build_case().findings, status="refused", nodes=(), model=None)
    artefacts = write_artefacts(findings, None, series=None, created=CREATED)
    assert [artefact.name for artefact in artefacts] == ["findings.json"]


def test_findings_without_a_model_are_an_error() -> None:
    case = build_case()
    with pytest.raises(ValueError, match="must name the model"):
        write_dicom(replace(case.findings, model=None), case.regions, case.series, CREATED)


def test_a_repeat_gives_the_same_bytes() -> None:
    first, second = build_case(), build_case()
    assert write_artefacts(first.findings, first.regions, series=first.series, created=CREATED) == write_artefacts(
        second.findings, second.regions, series=second.series, created=CREATED
    )


def test_a_time_with_a_zone_is_written_as_local_time() -> None:
    case = build_case()
    aware = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
    local = aware.astimezone().replace(tzinfo=None)
    assert write_dicom(case.findings, case.regions, case.series, aware) == write_dicom(
        case.findings, case.regions, case.series, local
    )


def _validate(path: Path) -> str:
    """Return what dciodvfy complains about; skip without it."""
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    return subprocess.run([tool, str(path)], capture_output=True, text=True, check=False).stderr


def _assert_valid(case: Case, folder: Path) -> None:
    for artefact in write_dicom(case.findings, case.regions, case.series, CREATED):
        path = folder / artefact.name
        path.write_bytes(artefact.data)
        complaints = _validate(path)
        assert "Error" not in complaints, complaints


@pytest.mark.parametrize("name", CASES)
def test_dciodvfy_finds_no_error(name: str, tmp_path: Path) -> None:
    options = CASES[name]
    _assert_valid(build_case(**options), tmp_path)  # type: ignore[arg-type]


def _on_real_series(source: Path | list[Path]) -> Case:
    """Return the synthetic findings on a real image: stations and nodes are boxes and spheres in its middle."""
    series = read_series(source)
    canonical, reorientation = canonicalise(series.volume)
    template = build_case(status="demonstration")
    shift = canonical.index_to_lps_mm(np.array(canonical.shape) / 2) - CENTRE_LPS_MM
    index = np.stack(np.meshgrid(*[np.arange(n) for n in canonical.shape], indexing="ij"), axis=-1)
    local = template.regions.labels.lps_mm_to_index(canonical.index_to_lps_mm(index) - shift).round().astype(int)
    inside = np.all((local >= 0) & (local < template.regions.labels.shape), axis=-1)
    z, y, x = np.moveaxis(np.where(inside[..., None], local, 0), -1, 0)
    labels = np.where(inside, template.regions.labels.voxels[z, y, x], 0).astype(np.uint8)
    instances = np.where(inside, template.regions.instances.voxels[z, y, x], 0).astype(np.uint16)
    middle_x, middle_y, middle_z = (float(value) for value in CENTRE_LPS_MM + shift)
    midline = replace(template.regions.midline, point_lps_mm=(middle_x, middle_y, middle_z))
    regions = CaseRegions(
        canonical, canonical.with_voxels(labels), canonical.with_voxels(instances), midline, reorientation
    )
    return Case(series, regions, template.findings)


def test_dciodvfy_finds_no_error_in_the_results_of_a_real_series(real_series: Path, tmp_path: Path) -> None:
    _assert_valid(_on_real_series(real_series), tmp_path)


def test_the_order_of_the_files_changes_no_byte(real_series: Path) -> None:
    files = sorted(real_series.iterdir())
    shuffled = [files[index] for index in np.random.default_rng(5).permutation(len(files))]
    plain, other = _on_real_series(files), _on_real_series(shuffled)
    assert write_dicom(plain.findings, plain.regions, plain.series, CREATED) == write_dicom(
        other.findings, other.regions, other.series, CREATED
    )
