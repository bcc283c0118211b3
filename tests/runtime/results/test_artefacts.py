import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pypdf import PdfReader

from base.errors import SettingInvalid
from benchmarks.dciodvfy import complaints_about, find_dciodvfy
from core.findings_json import from_json
from core.reading import read_series
from core.volume import canonicalise
from phantom.dicom_series import write_series
from phantom.generate import generate_case
from runtime.results.artefacts import write_artefacts
from runtime.results.regions import CaseRegions
from runtime.results.settings import DEFAULT_RESULT_SETTINGS, ResultSettings, SeriesSettings
from runtime.results.source import study_facts
from runtime.results.superseding import EarlierReport
from runtime.results.uids import ReportReference
from tests.runtime.results.cases import (
    CENTRE_LPS_MM,
    CREATED,
    Case,
    build_case,
    build_refusal,
    dicom_files,
    dicom_objects,
    with_warnings,
)

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
    artefacts = write_artefacts(case.findings, case.regions, series=case.series, created=CREATED).artefacts
    assert [(artefact.name, artefact.media_type) for artefact in artefacts] == [
        ("findings.json", "application/json"),
        ("segmentation.dcm", "application/dicom"),
        ("report.dcm", "application/dicom"),
        ("captures/node_01.dcm", "application/dicom"),
        ("captures/node_02.dcm", "application/dicom"),
        ("key_objects.dcm", "application/dicom"),
        ("keyimages/node_01.png", "image/png"),
        ("keyimages/node_02.png", "image/png"),
        ("contact_sheet.png", "image/png"),
        ("report.html", "text/html"),
        ("report.pdf", "application/pdf"),
    ]
    assert from_json(artefacts[0].data.decode()).case == case.findings.case


def test_bare_voxels_leave_findings_and_pictures_only() -> None:
    case = build_case(with_nodes=False)
    artefacts = write_artefacts(case.findings, case.regions, series=None, created=CREATED).artefacts
    assert [artefact.name for artefact in artefacts] == [
        "findings.json",
        "keyimages/stations.png",
        "contact_sheet.png",
        "report.html",
        "report.pdf",
    ]


def test_a_refused_case_without_headers_leaves_its_findings_alone() -> None:
    artefacts = write_artefacts(build_refusal().findings, None, series=None, created=CREATED).artefacts
    assert [artefact.name for artefact in artefacts] == ["findings.json", "report.html", "report.pdf"]


@pytest.mark.parametrize("as_series", [True, False], ids=["series", "headers"])
def test_a_refused_case_with_headers_leaves_findings_and_a_report(as_series: bool) -> None:
    case = build_refusal()
    artefacts = write_artefacts(
        case.findings,
        None,
        series=case.series if as_series else None,
        refused_headers=case.series.headers,
        created=CREATED,
    ).artefacts
    assert [artefact.name for artefact in artefacts] == ["findings.json", "report.dcm", "report.html", "report.pdf"]


def test_findings_without_a_model_are_an_error() -> None:
    case = build_case()
    with pytest.raises(ValueError, match="must name the model"):
        dicom_files(replace(case, findings=replace(case.findings, model=None)))


def test_a_repeat_gives_the_same_bytes() -> None:
    first, second = build_case(), build_case()
    assert (
        write_artefacts(first.findings, first.regions, series=first.series, created=CREATED).artefacts
        == write_artefacts(second.findings, second.regions, series=second.series, created=CREATED).artefacts
    )


def test_a_time_with_a_zone_is_written_as_local_time() -> None:
    case = build_case()
    for header in case.series.headers:
        header.StudyDate = ""
    aware = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
    local = aware.astimezone().replace(tzinfo=None)
    assert dicom_files(case, created=aware) == dicom_files(case, created=local)


def test_a_printed_report_can_be_matched_unless_the_site_or_the_images_say_no() -> None:
    case = build_case()
    said = ("2026-01-01", "ACC-9", "Study UID ends in")
    named = replace(DEFAULT_RESULT_SETTINGS, names_study=False)
    removed = copy.deepcopy(case.series)
    for header in removed.headers:
        header.PatientIdentityRemoved = "YES"
    for series, settings, count in (
        (case.series, DEFAULT_RESULT_SETTINGS, 3),
        (case.series, named, 0),
        (removed, DEFAULT_RESULT_SETTINGS, 0),
    ):
        files = {
            each.name: each.data
            for each in write_artefacts(
                case.findings, case.regions, series=series, created=CREATED, settings=settings
            ).artefacts
        }
        page = files["report.html"].decode()
        printed = " ".join(PdfReader(BytesIO(files["report.pdf"])).pages[0].extract_text().split())
        for text in (page, printed):
            assert sum(each in text for each in said) == count
    objects = [dicom_files(case), dicom_files(case, settings=named)]
    assert objects[0] == objects[1]


def test_a_refusal_of_two_studies_names_none() -> None:
    headers = build_case().series.headers
    other = copy.deepcopy(headers[0])
    other.StudyInstanceUID = "1.2.9"
    assert study_facts(headers)[0] == ("Study of", "2026-01-01")
    assert study_facts((headers[0], other)) == ()
    assert study_facts(()) == ()


def test_a_report_names_the_one_it_supersedes() -> None:
    case = build_case()
    first = dicom_objects(case)["report.dcm"]
    earlier = EarlierReport.read(dicom_files(case)["report.dcm"])
    second = dicom_objects(_by_another_model(case), earlier=earlier)
    study = second["report.dcm"].PredecessorDocumentsSequence[0]
    series = study.ReferencedSeriesSequence[0]
    reference = series.ReferencedSOPSequence[0]
    assert (
        ReportReference(
            study.StudyInstanceUID,
            series.SeriesInstanceUID,
            reference.ReferencedSOPClassUID,
            reference.ReferencedSOPInstanceUID,
        )
        == earlier.reference
        == ReportReference(first.StudyInstanceUID, first.SeriesInstanceUID, first.SOPClassUID, first.SOPInstanceUID)
    )
    assert second["report.dcm"].SOPInstanceUID != first.SOPInstanceUID
    assert "PredecessorDocumentsSequence" not in first


def test_a_repeat_gives_the_same_bytes_whatever_report_lies_there_already() -> None:
    first_case = build_case()
    second_case = _by_another_model(first_case)
    first = dicom_files(first_case)
    assert dicom_files(first_case, earlier=EarlierReport.read(first["report.dcm"])) == first
    second = dicom_files(second_case, earlier=EarlierReport.read(first["report.dcm"]))
    assert dicom_files(second_case, earlier=EarlierReport.read(second["report.dcm"])) == second
    third = dicom_objects(first_case, earlier=EarlierReport.read(second["report.dcm"]))
    assert EarlierReport.read(second["report.dcm"]).supersedes == EarlierReport.read(first["report.dcm"]).reference
    assert third["report.dcm"].SOPInstanceUID not in {
        EarlierReport.read(each["report.dcm"]).reference.sop_instance_uid for each in (first, second)
    }


def test_the_report_of_another_study_is_not_superseded() -> None:
    case = build_case()
    reference = ReportReference("1.2.9", "1.2.9.9", "1.2.840.10008.5.1.4.1.1.88.34", "1.2.3.9.1")
    assert dicom_files(case, earlier=EarlierReport(reference, None)) == dicom_files(case)


@pytest.mark.parametrize("name", ["segmentation.dcm", "findings.json"])
def test_what_is_no_report_cannot_be_superseded(name: str) -> None:
    files = dicom_files(build_case()) | {"findings.json": b"{}"}
    with pytest.raises(SettingInvalid, match=r"the report\.dcm of an earlier analysis"):
        EarlierReport.read(files[name])


def _by_another_model(case: Case) -> Case:
    assert case.findings.model is not None
    model = replace(case.findings.model, bundle_digest="sha256:" + "cd" * 32)
    return replace(case, findings=replace(case.findings, model=model))


def test_every_object_has_its_own_series_and_keeps_accession_number_patient_and_study() -> None:
    case = build_case()
    header = case.series.headers[0]
    objects = dicom_objects(case)
    assert len({data.SOPInstanceUID for data in objects.values()}) == 5
    assert len({(data.SeriesInstanceUID, data.Modality) for data in objects.values()}) == 4
    for data in objects.values():
        for name in ("AccessionNumber", "PatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID", "StudyID"):
            assert data[name].value == header[name].value


def _referenced(item: Dataset) -> Iterator[tuple[str, str]]:
    """Yield (class, instance) of every reference anywhere in an object."""
    if "ReferencedSOPInstanceUID" in item:
        yield str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID)
    for element in item:
        if element.VR == "SQ":
            for below in element.value:
                yield from _referenced(below)


@pytest.mark.parametrize("storage", [None, "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4"])
def test_every_reference_is_to_an_instance_that_there_is(storage: str | None) -> None:
    case = build_case(enhanced=storage is not None)
    for header in case.series.headers:
        header.SOPClassUID = storage or header.SOPClassUID
    objects = dicom_objects(case)
    known = {(str(each.SOPClassUID), str(each.SOPInstanceUID)) for each in (*case.series.headers, *objects.values())}
    for name, data in objects.items():
        assert set(_referenced(data)) <= known, name
    sources = objects["segmentation.dcm"].SourceImageSequence
    assert len(sources) == len(case.series.headers)


def test_series_numbers_and_descriptions_are_those_of_the_settings() -> None:
    settings = ResultSettings(report=SeriesSettings(12, "Report of this box"), captures=SeriesSettings(13, "Pictures"))
    objects = dicom_objects(build_case(), settings=settings)
    assert (objects["report.dcm"].SeriesNumber, objects["report.dcm"].SeriesDescription) == (
        12,
        "Report of this box: RESEARCH - NOT FOR DIAGNOSIS",
    )
    assert objects["captures/node_01.dcm"].SeriesNumber == 13
    assert objects["segmentation.dcm"].SeriesNumber == 9001


@pytest.mark.parametrize(
    ("number", "description"), [(0, "a"), (2**31, "a"), (1, ""), (1, "a" * 35), (1, "a\\b"), (1, "a\nb")]
)
def test_series_settings_that_dicom_does_not_allow_are_rejected(number: int, description: str) -> None:
    with pytest.raises(SettingInvalid, match=r"setting series (number|description) is"):
        SeriesSettings(number, description)


def _assert_valid(case: Case, folder: Path) -> None:
    """Assert that dciodvfy finds no error; skip without it."""
    tool = find_dciodvfy()
    if tool is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    every = replace(DEFAULT_RESULT_SETTINGS, writes_document=True, writes_structure_set=True)
    for name, data in dicom_files(case, settings=every).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        assert complaints_about(path, tool).errors == (), name


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


@pytest.mark.parametrize("enhanced", [False, True])
def test_dciodvfy_finds_no_error_in_a_refusal(enhanced: bool, tmp_path: Path) -> None:
    _assert_valid(build_refusal(enhanced=enhanced), tmp_path)


def test_dciodvfy_finds_no_error_in_results_with_warnings(tmp_path: Path) -> None:
    _assert_valid(with_warnings(build_case()), tmp_path)
    _assert_valid(with_warnings(build_refusal()), tmp_path)


def test_dciodvfy_finds_no_error_in_the_results_of_a_real_series(real_series: Path, tmp_path: Path) -> None:
    _assert_valid(_on_real_series(real_series), tmp_path)


@pytest.mark.parametrize("seed", [0, 1])
def test_dciodvfy_finds_no_error_in_the_results_of_a_phantom(seed: int, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    write_series(generate_case(seed), folder)
    _assert_valid(_on_real_series(folder), tmp_path)


def test_the_order_of_the_files_changes_no_byte(real_series: Path) -> None:
    files = sorted(real_series.iterdir())
    shuffled = [files[index] for index in np.random.default_rng(5).permutation(len(files))]
    plain, other = _on_real_series(files), _on_real_series(shuffled)
    assert dicom_files(plain) == dicom_files(other)
