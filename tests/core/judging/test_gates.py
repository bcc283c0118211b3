"""Gates say how far off an input is and what of a segmentation is doubtful."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import RefusalCode
from core.findings import Gate, Node, StationAssessment
from core.judging.gates import check_input, check_segmentation, refusal_reasons
from core.judging.input_statistics import InputReference, measure_input
from core.measuring.midline import Midline
from core.measuring.nodes import MeasuredNodes
from core.rules import ScoringRules
from core.volume import Volume
from export.references import build_reference
from tests.core.bodies import body_image, grid, segmentation
from tests.core.results import NODE, all_assessed

SHAPE, SPACING_MM = (16, 110, 110), (5.0, 1.5, 1.5)
ASSESSED = all_assessed()
MIDLINE = Midline((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.8, trusted=True)


def _body(seed: int) -> Volume:
    volume = grid(SHAPE, SPACING_MM)
    return volume.with_voxels(body_image(volume, offset_mm=4 * (seed % 5) - 8, roll_deg=seed % 3, seed=seed))


@pytest.fixture(scope="module")
def reference() -> InputReference:
    return build_reference(_body(seed) for seed in range(8))


def _gate(gates: tuple[Gate, ...], code: str) -> Gate:
    return next(gate for gate in gates if gate.code == code)


def test_an_image_like_the_training_cases_passes(reference: InputReference) -> None:
    gates = check_input(_body(21), reference)
    assert [gate.outcome for gate in gates] == ["pass", "pass", "pass", "pass"]
    assert _gate(gates, "input_statistics").score == pytest.approx(1, abs=1)


def test_a_noisy_image_is_called_unlike_and_the_noise_is_named(reference: InputReference) -> None:
    body = _body(21)
    noisy = body.voxels + np.random.default_rng(0).normal(0, 0.4, SHAPE).astype(np.float32)
    gate = _gate(check_input(body.with_voxels(noisy), reference), "input_statistics")
    assert gate.outcome == "warn"
    assert gate.score is not None
    assert gate.threshold == reference.distance_p99
    assert gate.score > 3 * reference.distance_p99
    assert "noise +" in gate.message
    assert "farther than 99 %" in gate.message


def test_the_scale_of_the_intensities_does_not_matter() -> None:
    body = _body(1)
    scaled = body.with_voxels(np.round(np.clip(body.voxels, 0, None) * 4000).astype(np.uint16))
    plain, other = (measure_input(volume).values for volume in (body, scaled))
    assert other == pytest.approx(plain, abs=0.02)


@pytest.mark.parametrize("constant", [0, 100])
def test_a_constant_image_has_finite_statistics(constant: int) -> None:
    flat = grid(SHAPE, SPACING_MM).with_voxels(np.full(SHAPE, constant, dtype=np.int16))
    assert np.isfinite(list(measure_input(flat).values.values())).all()


def test_a_reference_survives_its_plain_form(reference: InputReference) -> None:
    assert InputReference.from_mapping(reference.to_mapping()) == reference
    assert reference.case_count == 8
    assert reference.distance_p50 <= reference.distance_p95 <= reference.distance_p99


def test_a_bad_reference_is_rejected(reference: InputReference) -> None:
    plain = reference.to_mapping()
    with pytest.raises(ValueError, match="lacks distance_p99"):
        InputReference.from_mapping({key: value for key, value in plain.items() if key != "distance_p99"})
    with pytest.raises(ValueError, match="positive sd"):
        InputReference.from_mapping(plain | {"sd": dict.fromkeys(plain["sd"], 0.0)})
    with pytest.raises(ValueError, match="measured are"):
        check_input(_body(1), replace(reference, mean={"other": 1.0}, sd={"other": 1.0}))
    with pytest.raises(ValueError, match="at least 5 cases, got 2"):
        build_reference([_body(1), _body(2)])


@pytest.mark.parametrize(
    ("spacing_mm", "outcome"),
    [((3.0, 0.5, 0.5), "pass"), ((6.0, 0.5, 0.5), "warn"), ((7.5, 0.5, 0.5), "refuse"), ((3.0, 1.6, 1.6), "refuse")],
)
def test_coarse_images_warn_and_too_coarse_ones_are_refused(
    spacing_mm: tuple[float, float, float], outcome: str
) -> None:
    gates = check_input(grid((30, 40, 40), spacing_mm), None)
    assert _gate(gates, "too_coarse").outcome == outcome
    codes = [reason.code for reason in refusal_reasons(gates)]
    assert codes == ([RefusalCode.TOO_COARSE] if outcome == "refuse" else [])


def test_a_short_stack_warns_about_its_coverage() -> None:
    gate = _gate(check_input(grid((19, 384, 384), (3.0, 0.5, 0.5)), None), "field_of_view")
    assert gate.outcome == "warn"
    assert "192 x 192 mm and 57 mm" in gate.message


def test_without_a_reference_likeness_is_not_checked() -> None:
    assert [gate.code for gate in check_input(_body(1), None)] == ["too_coarse", "field_of_view"]


def test_a_sound_segmentation_passes_every_gate() -> None:
    assert _outcomes() == {
        "midline": "pass",
        "stations_missing": "pass",
        "stations_imbalance": "pass",
        "nodes_outside_stations": "pass",
        "node_count": "pass",
        "fold_agreement": "pass",
    }


def test_an_untrusted_midline_warns() -> None:
    assert _outcomes(midline=replace(MIDLINE, trusted=False))["midline"] == "warn"


def test_a_missing_and_an_uneven_station_warn() -> None:
    first, *others = all_assessed()
    missing = replace(first, assessed=False, volume_mm3=0.0, reason="not seen")
    outcomes = _outcomes(assessed=(missing, *others))
    assert (outcomes["stations_missing"], outcomes["stations_imbalance"]) == ("warn", "warn")
    small = replace(first, volume_mm3=first.volume_mm3 * 0.2)
    outcomes = _outcomes(assessed=(small, *others))
    assert (outcomes["stations_missing"], outcomes["stations_imbalance"]) == ("pass", "warn")


def test_folds_that_disagree_about_a_size_warn() -> None:
    assert _outcomes(interval_mm=(4.0, 7.5))["fold_agreement"] == "warn"


def test_an_implausible_number_of_nodes_warns() -> None:
    assert _outcomes(node_count=20)["node_count"] == "pass"
    assert _outcomes(node_count=21)["node_count"] == "warn"


def test_a_node_outside_every_station_warns() -> None:
    assert _outcomes(node=replace(NODE, station=None))["nodes_outside_stations"] == "warn"


def _outcomes(
    *,
    midline: Midline = MIDLINE,
    assessed: tuple[StationAssessment, ...] = ASSESSED,
    interval_mm: tuple[float, float] = (7.5, 8.5),
    node_count: int = 1,
    node: Node = NODE,
) -> dict[str, str]:
    volume = grid((2, 8, 8), (3.0, 1.0, 1.0))
    folds = np.zeros((2, *volume.shape), dtype=np.float32)
    segmented = segmentation(volume, volume.voxels, folds=folds)
    measured = MeasuredNodes((replace(node, short_axis_interval_mm=interval_mm),) * node_count, volume, ())
    gates = check_segmentation(segmented, measured, assessed, midline, ScoringRules())
    assert refusal_reasons(gates) == ()
    return {gate.code: gate.outcome for gate in gates}


def test_stations_are_named_in_words_where_one_is_missing_or_far_smaller() -> None:
    few = tuple(
        replace(each, assessed=each.station != "internal_iliac", volume_mm3=10.0 if each.side == "left" else 1000.0)
        for each in ASSESSED
    )
    volume = grid(SHAPE, SPACING_MM).with_voxels(np.zeros(SHAPE, dtype=np.float32))
    measured = MeasuredNodes((), volume, ())
    gates = check_segmentation(segmentation(volume, volume.voxels), measured, few, MIDLINE, ScoringRules())
    assert _gate(gates, "stations_missing").message == "not assessed: left internal iliac, right internal iliac"
    assert "internal iliac 0.01" in _gate(gates, "stations_imbalance").message
