"""A check that warns or refuses has a picture of its own; one that passes has none."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from core.errors import Reason, RefusalCode
from core.findings import Gate, Node
from core.judging.assessing import assess_stations
from core.judging.gates import check_input
from core.judging.input_statistics import InputReference, measure_input
from core.measuring.midline import Midline
from core.measuring.nodes import MeasuredNodes, find_nodes
from core.rules import ScoringRules
from core.site_choices import CHANGEABLE_GATES
from core.volume import Volume
from runtime.results.artefacts import write_artefacts
from runtime.results.case_pictures import CaseEvidence, case_pictures
from runtime.results.gate_card import CARD_PX, gate_card, shorten, wrap
from runtime.results.gate_evidence import GateEvidence
from runtime.results.gate_input_views import coronal
from runtime.results.gate_pictures import gate_pictures
from runtime.results.key_images import to_png
from runtime.results.palette import FOLD_COLOURS, OUTCOME_COLOURS
from runtime.results.panels import GAP_PX, HEADER_PX, PANEL_PX
from tests.core.bodies import body_image, grid, segmentation, soft_ellipsoid
from tests.runtime.results.cases import CREATED, build_case, build_refusal

CODES = (RefusalCode.TOO_COARSE, *CHANGEABLE_GATES)
"""Of every gate."""

MIDLINE = Midline((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.8, trusted=True)
NODE_COLOUR = (255, 70, 220)
RESEARCH = (255, 214, 90)


def _gate(code: str, outcome: str = "warn") -> Gate:
    return Gate(code, "refuse" if outcome == "refuse" else "warn" if outcome == "warn" else "pass", f"about {code}")


@pytest.fixture(scope="module")
def evidence() -> GateEvidence:
    """Return a body with a node in its station and one in none; two folds differ about the first one."""
    empty = grid((16, 110, 110), (5.0, 1.5, 1.5))
    volume = empty.with_voxels(body_image(empty, 0.0, 0.0))
    inside, outside = (30.0, 0.0, 5.0), (4.0, -70.0, -10.0)
    far = soft_ellipsoid(volume, outside, (4, 4, 6))
    posterior = soft_ellipsoid(volume, inside, (6, 6, 8)) + far
    folds = np.stack([posterior, soft_ellipsoid(volume, inside, (3, 3, 8)) + far])
    segmented = segmentation(volume, posterior, folds=folds)
    rules = ScoringRules()
    measured = find_nodes(volume, segmented, MIDLINE, rules, tracking_seed="case", demonstration=False)
    mean = measure_input(volume).values
    reference = InputReference(8, mean, {name: 0.01 + abs(value) / 10 for name, value in mean.items()}, 1.0, 1.5, 2.0)
    return GateEvidence(
        volume, reference, segmented, MIDLINE, assess_stations(segmented, MIDLINE, rules), measured, rules
    )


def _picture(code: str, evidence: GateEvidence) -> npt.NDArray[np.int64]:
    (picture,) = gate_pictures([_gate(code)], evidence)
    return np.asarray(picture.image).astype(np.int64)


def _count(picture: npt.NDArray[np.int64], colour: tuple[int, int, int]) -> int:
    return int(np.count_nonzero(np.abs(picture - np.array(colour)).max(axis=-1) < 30))


def _statistics_picture(evidence: GateEvidence, shift_sd: float, limit: float) -> npt.NDArray[np.int64]:
    """Return the picture of an image all of whose statistics lie as far from the training cases."""
    measured = measure_input(evidence.volume).values
    sd = dict.fromkeys(measured, 0.1)
    mean = {name: value - 0.1 * shift_sd for name, value in measured.items()}
    reference = InputReference(9, mean, sd, 0.5, 0.9, limit)
    return _picture("input_statistics", replace(evidence, reference=reference))


def test_the_statistics_are_drawn_against_the_limit_that_decides(evidence: GateEvidence) -> None:
    warn = OUTCOME_COLOURS["warn"]
    near, far = (_statistics_picture(evidence, 1.7, limit) for limit in (2.5, 1.5))
    panel, drawn = slice(PANEL_PX + GAP_PX, None), slice(HEADER_PX + 40, HEADER_PX + PANEL_PX - 32)
    # 1.7 SD lie within a limit of 2.5 and beyond one of 1.5, as a distance and one by one.
    assert _count(near[drawn, panel], warn) < 20
    assert _count(far[drawn, panel], warn) > 4000
    assert _count(far[HEADER_PX + 60 : HEADER_PX + 90, panel], warn) > 2000


def test_a_single_far_statistic_leaves_the_distance_within_its_limit(evidence: GateEvidence) -> None:
    measured = measure_input(evidence.volume).values
    mean = measured | {"noise": measured["noise"] - 0.3}
    reference = InputReference(9, mean, dict.fromkeys(measured, 0.1), 0.5, 0.9, 1.5)
    picture = _picture("input_statistics", replace(evidence, reference=reference))[:, PANEL_PX + GAP_PX :]
    # The root mean square of one deviation of 3 among 15 is 0.77.
    assert _count(picture[HEADER_PX + 60 : HEADER_PX + 90], OUTCOME_COLOURS["pass"]) > 1000
    assert _count(picture[HEADER_PX + 150 :], OUTCOME_COLOURS["warn"]) > 200


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("outcome", ["warn", "refuse"])
def test_a_gate_that_warns_or_refuses_is_drawn(code: str, outcome: str, evidence: GateEvidence) -> None:
    (picture,) = gate_pictures([_gate(code, outcome)], evidence)
    assert picture.name == f"gates/{code}"
    assert picture.image.mode == "RGB"
    assert picture.image.size[0] == CARD_PX
    assert picture.image.size[1] > 480
    assert _count(np.asarray(picture.image).astype(np.int64), RESEARCH) > 400


@pytest.mark.parametrize("code", CODES)
def test_a_gate_that_passes_has_no_picture(code: str, evidence: GateEvidence) -> None:
    assert gate_pictures([_gate(code, "pass")], evidence) == ()


@pytest.mark.parametrize("code", CODES)
def test_the_same_gate_gives_the_same_bytes(code: str, evidence: GateEvidence) -> None:
    first, second = (gate_pictures([_gate(code)], replace(evidence))[0] for _ in range(2))
    assert to_png(first.image) == to_png(second.image)


@pytest.mark.parametrize("code", [*CODES, "a_later_gate"])
def test_with_the_image_alone_every_gate_still_has_a_picture(code: str, evidence: GateEvidence) -> None:
    (picture,) = gate_pictures([_gate(code)], GateEvidence(evidence.volume))
    assert (picture.code, picture.image.size[0]) == (code, CARD_PX)


@pytest.mark.parametrize(("shape", "spacing_mm"), [((1, 3, 4), (9.0, 2.0, 1.0)), ((40, 8, 300), (1.0, 1.0, 0.4))])
def test_odd_volumes_are_drawn(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
    volume = grid(shape, spacing_mm)
    gates = [replace(gate, outcome="warn") for gate in check_input(volume, None)]
    assert len(gate_pictures(gates, GateEvidence(volume, midline=replace(MIDLINE, trusted=False)))) == 2


def test_the_node_outside_every_station_is_contoured(evidence: GateEvidence) -> None:
    assert [node.station for node in evidence.nodes] == ["obturator", None]
    assert _count(_picture("nodes_outside_stations", evidence), NODE_COLOUR) > 100


@pytest.mark.parametrize("count", [2, 3, 9])
def test_several_nodes_outside_share_a_picture(count: int, evidence: GateEvidence) -> None:
    many = replace(evidence, measured=_repeat(evidence, evidence.nodes[1], count))
    assert _picture("nodes_outside_stations", many).shape[:2] == ({2: 480, 3: 318, 9: 642}[count] + 77, CARD_PX)


def test_all_nodes_are_seen_from_the_feet_and_from_the_front(evidence: GateEvidence) -> None:
    picture = _picture("node_count", evidence)
    both = _count(picture[:, :480], NODE_COLOUR), _count(picture[:, -480:], NODE_COLOUR)
    assert min(both) > 40


def test_each_fold_has_its_own_contour(evidence: GateEvidence) -> None:
    detail = _picture("fold_agreement", evidence)[200:400, -480:]
    for colour in FOLD_COLOURS[:2]:
        assert _count(detail, colour) > 40
    assert _count(detail, FOLD_COLOURS[2]) == 0


def test_a_fold_that_does_not_see_the_node_is_named_all_the_same(evidence: GateEvidence) -> None:
    assert evidence.segmentation is not None
    (opinions,) = evidence.segmentation.fold_opinions
    blind = opinions.node_posterior * np.array([1, 0], dtype=np.float32)[:, None, None, None]
    segmented = replace(evidence.segmentation, fold_opinions=(replace(opinions, node_posterior=blind),))
    picture = _picture("fold_agreement", replace(evidence, segmentation=segmented))
    assert _count(picture[200:400, -480:], FOLD_COLOURS[1]) == 0
    assert _count(picture[44:160, -480:], FOLD_COLOURS[1]) > 40


def test_a_station_that_was_not_assessed_says_so_in_red(evidence: GateEvidence) -> None:
    red = (255, 104, 92)
    first, *others = evidence.assessed
    missing = (replace(first, assessed=False, volume_mm3=120.0, reason="only 120 mm3 were seen"), *others)
    sound = (replace(first, assessed=True, reason=None), *(replace(each, assessed=True) for each in others))
    assert _count(_picture("stations_missing", replace(evidence, assessed=missing)), red) > 20
    assert _count(_picture("stations_missing", replace(evidence, assessed=sound)), red) == 0


def test_the_fitted_line_lies_where_the_midline_is(evidence: GateEvidence) -> None:
    moved = Midline((30.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.2, trusted=False)
    picture = _picture("midline", replace(evidence, midline=moved))[44:500, :480]
    columns = np.argwhere(np.abs(picture - np.array((255, 236, 60))).max(axis=-1) < 30)[:, 1]
    # 165 mm on 480 pixels; x = 0 is the middle and the patient's left is on the right.
    assert np.median(columns) == pytest.approx(240 + 30 * 480 / 165, abs=2)


def test_the_view_from_the_front_keeps_every_voxel_in_its_place() -> None:
    volume = grid((4, 5, 6), (3.0, 1.0, 2.0))
    volume = volume.with_voxels(np.arange(120, dtype=np.float32).reshape(4, 5, 6))
    front = coronal(volume)
    for index in np.ndindex(front.shape):
        z, y, x = np.rint(volume.lps_mm_to_index(front.index_to_lps_mm(index))).astype(int)
        assert front.voxels[index] == volume.voxels[z, y, x]


def test_a_reason_has_a_picture_of_its_own_unless_it_is_that_of_a_gate() -> None:
    gate = Gate("too_coarse", "refuse", "pixels of 2 mm")
    findings = replace(build_refusal().findings, gates=(gate,))
    reasons = (Reason(RefusalCode.TOO_COARSE, "pixels of 2 mm"), Reason(RefusalCode.NOT_T2, "an ADC map"))
    evidence = CaseEvidence(GateEvidence(build_case().regions.image), reasons=reasons)
    assert [each.code for each in case_pictures(findings, evidence)] == ["too_coarse", "not_t2"]
    assert [each.code for each in case_pictures(findings, replace(evidence, seen=None))] == ["not_t2"]


def test_long_messages_are_wrapped_and_cut() -> None:
    assert wrap("one two", 15, 1e4, 3) == ["one two"]
    assert wrap("", 15, 100, 3) == []
    lines = wrap("word " * 5000, 15, 200, 3)
    assert len(lines) == 3
    assert lines[-1].endswith("...")
    assert shorten("x" * 100000, 15, 100).endswith("...")
    assert gate_card("unheard_of", "refuse", "x" * 100000, ()).image.size[0] == CARD_PX


@pytest.mark.parametrize("refused", [False, True])
def test_gate_pictures_become_files_of_the_case(refused: bool) -> None:
    case = build_refusal() if refused else build_case()
    gate = Gate("midline", "refuse" if refused else "warn", "there is none")
    findings = replace(case.findings, gates=(gate, Gate("too_coarse", "pass", "fine enough")))
    evidence = CaseEvidence(GateEvidence(case.regions.image))
    (picture,) = case_pictures(findings, evidence)
    regions = None if refused else case.regions
    without = write_artefacts(findings, regions, series=case.series, created=CREATED).artefacts
    artefacts = write_artefacts(findings, regions, series=case.series, created=CREATED, evidence=evidence).artefacts
    *others, drawn, page, document = artefacts
    assert others == list(without[:-2])
    assert (drawn.name, drawn.media_type) == ("gates/midline.png", "image/png")
    assert drawn.data == to_png(picture.image)
    assert (page.name, document.name) == ("report.html", "report.pdf")


def _repeat(evidence: GateEvidence, node: Node, count: int) -> MeasuredNodes:
    assert evidence.measured is not None
    instances: Volume = evidence.measured.instances
    return MeasuredNodes(tuple(replace(node, id=number + 1) for number in range(count)), instances, ())
