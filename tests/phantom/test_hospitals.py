"""Hospitals differ in their scanners, not in their patients, and those kept for testing lie outside the others."""

import numpy as np
import pytest

from phantom.anatomy import TISSUES
from phantom.case import PhantomCase, PhantomOptions, generate_case, plan_case
from phantom.dicom_series import build_series
from phantom.hospitals import EXTERNAL_HOSPITALS, HOSPITALS, TRAINING_HOSPITALS, HospitalName

SEEDS = range(200, 230)


@pytest.fixture(scope="module")
def south() -> PhantomCase:
    return generate_case(200, options=PhantomOptions(hospital="south"))


def test_every_hospital_either_trains_or_tests() -> None:
    assert sorted((*TRAINING_HOSPITALS, *EXTERNAL_HOSPITALS)) == sorted(HOSPITALS)


@pytest.mark.parametrize("name", list(HOSPITALS))
def test_the_acquisitions_of_a_hospital_stay_within_its_ranges(name: HospitalName) -> None:
    hospital = HOSPITALS[name]
    low, high = hospital.pixel_limits_mm
    for seed in SEEDS:
        drawn = plan_case(seed, options=PhantomOptions(hospital=name)).acquisition
        assert (drawn.manufacturer, drawn.model_name) in hospital.makers
        assert drawn.field_strength_t in hospital.field_strengths_t
        assert low - 1e-3 <= drawn.spacing_mm[1] <= high + 1e-3
        assert hospital.slice_distance_mm[0] <= drawn.spacing_mm[0] <= hospital.slice_distance_mm[1]
        assert hospital.noise_sd[0] <= drawn.noise_sd <= hospital.noise_sd[1]


@pytest.mark.parametrize("name", EXTERNAL_HOSPITALS)
def test_a_hospital_kept_for_testing_shares_neither_maker_nor_pixel_size_nor_contrast(name: HospitalName) -> None:
    def apart(first: tuple[float, float], second: tuple[float, float]) -> bool:
        return first[1] <= second[0] or second[1] <= first[0]

    kept = HOSPITALS[name]
    for other in (HOSPITALS[each] for each in TRAINING_HOSPITALS):
        assert not {maker for maker, _ in kept.makers} & {maker for maker, _ in other.makers}
        assert apart(kept.contrast_exponent, other.contrast_exponent)
        assert apart(kept.echo_time_ms, other.echo_time_ms)


def test_the_body_is_the_same_in_every_hospital() -> None:
    plans = [plan_case(201, options=PhantomOptions(hospital=name)) for name in HOSPITALS]
    assert all(plan.body.build == plans[0].body.build for plan in plans)


def test_the_header_names_the_hospital_and_only_where_there_is_one(south: PhantomCase) -> None:
    assert {dataset.InstitutionName for dataset in build_series(south)} == {"south"}
    plain = generate_case(200, options=PhantomOptions(node_count=0))
    assert plain.hospital is None
    assert "InstitutionName" not in build_series(plain)[0]


def test_a_higher_exponent_darkens_what_is_darker_than_fat() -> None:
    def median_of_muscle(name: HospitalName) -> float:
        case = generate_case(203, options=PhantomOptions(hospital=name, node_count=0))
        voxels, tissues = case.image.voxels.astype(np.float64), case.tissues.voxels
        muscle, fat = (np.median(voxels[tissues == TISSUES[tissue]]) for tissue in ("muscle", "pelvic_fat"))
        return float(muscle / fat)

    assert median_of_muscle("south") > median_of_muscle("harbour")
