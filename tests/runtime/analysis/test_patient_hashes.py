"""Who the patient is stands in findings under the site's secret alone; the study's date can be kept out."""

from typing import Any

import pytest
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement

from base.errors import SettingInvalid
from core.case_names import keyed_hash
from core.findings import CaseContext, CaseIdentity
from core.volume import Volume
from runtime.analysis.case import AboutCase
from runtime.analysis.identity import identify
from runtime.analysis.reading import ReadImages
from tests.core.results import FINDINGS
from tests.fixtures.bundles import make_tiny_volume
from tests.runtime.results.cases import build_case


def identity(salt: str = "secret", *, with_study_date: bool = True, **elements: Any) -> CaseIdentity:
    series = build_case().series
    for header in series.headers:
        for keyword, value in elements.items():
            header[keyword] = DataElement(keyword, dictionary_VR(keyword), value, validation_mode=IGNORE)
    images = ReadImages(series.volume, is_phantom=True, series=series)
    return identify("case", salt, images, (), "", with_study_date=with_study_date)


def test_one_patient_has_the_same_hashes_whatever_surrounds_the_id() -> None:
    first, second = identity().patient, identity(PatientID=" PID-7 ", PatientName="Other^Name").patient
    assert first is not None
    assert first == second
    assert first.patient_id == keyed_hash("secret", "patient ID", "PID-7")
    assert first.issuer is None


@pytest.mark.parametrize(
    ("elements", "field"),
    [
        ({"PatientID": "PID-8"}, "patient_id"),
        ({"IssuerOfPatientID": "HOSPITAL"}, "issuer"),
        ({"PatientBirthDate": "19500204"}, "birth_date"),
    ],
)
def test_what_differs_between_patients_changes_its_hash(elements: dict[str, Any], field: str) -> None:
    first, second = identity().patient, identity(**elements).patient
    assert getattr(first, field) != getattr(second, field)


def test_hashes_of_other_secrets_are_others_and_say_so() -> None:
    first, second = identity("one").patient, identity("two").patient
    assert first is not None
    assert second is not None
    assert (first.key, first.patient_id, first.birth_date) != (second.key, second.patient_id, second.birth_date)
    assert first.key != second.key


def test_without_a_secret_or_an_id_there_is_no_hash_and_an_illegal_birth_date_has_none() -> None:
    assert identity("").patient is None
    assert identity(PatientID="").patient is None
    patient = identity(PatientBirthDate="19501399").patient
    assert patient is not None
    assert patient.birth_date is None


def test_the_date_of_the_study_is_kept_out_where_the_site_says_so() -> None:
    assert identity().study_date == "2026-01-01"
    assert identity(with_study_date=False).study_date is None
    assert identity(StudyDate="20261301").study_date is None


def test_bare_voxels_have_neither() -> None:
    volume: Volume = make_tiny_volume()[0]
    case = identify("case", "secret", ReadImages(volume, is_phantom=True), (), "")
    assert (case.study_date, case.patient) == (None, None)


def test_a_name_of_the_earlier_study_that_is_not_its_own_is_told() -> None:
    with pytest.raises(SettingInvalid, match="prior_case_id is 'not the case_id of prior'"):
        AboutCase(context=CaseContext(prior_case_id="other"), prior=FINDINGS)
    AboutCase(context=CaseContext(prior_case_id="case-1"), prior=FINDINGS)
    AboutCase(context=CaseContext(prior_case_id="other"))
