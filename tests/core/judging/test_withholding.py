"""What faults of an image reach is not assessed, and the case then has no verdict."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.findings import Findings, Gate
from core.judging.flat_areas import DeadZones
from core.judging.image_check import ImageCheck, numbered
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE
from core.judging.odd_slices import Fault, OddSlices
from core.judging.whole_image import WholeImage
from core.judging.withholding import doubtful_nodes, reasons_without_verdict, withhold_verdict, without_unseen
from core.measuring.midline import Midline
from core.measuring.nodes import find_nodes
from core.rules import ScoringRules
from core.segmentation import Segmentation
from tests.core.bodies import grid, segmentation, soft_ellipsoid
from tests.core.results import all_assessed
from tests.runtime.results.cases import build_case

MIDLINE = Midline((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.8, trusted=True)
VOLUME = grid((20, 60, 60), (5.0, 2.0, 2.0))
WHOLE = all_assessed()


def _segmented() -> Segmentation:
    return segmentation(VOLUME, np.zeros(VOLUME.shape, dtype=np.float32))


def _check(dead: Any = None, faults: dict[int, Fault] | None = None, dim: Any = None) -> ImageCheck:
    zones = np.zeros(VOLUME.shape, dtype=np.bool_) if dead is None else dead
    limits = DEFAULT_IMAGE_REFERENCE
    nothing = np.zeros(VOLUME.shape, dtype=np.bool_)
    whole = WholeImage(0.0, 0.0, 0.0, limits)
    return ImageCheck(
        OddSlices(faults or {}, -0.1, 300.0),
        DeadZones(zones, nothing),
        nothing if dim is None else dim,
        whole,
        limits,
    )


def test_only_the_stations_that_a_dead_zone_adjoins_are_not_assessed() -> None:
    # Stations lie 20 to 50 mm from the middle, to the left at columns 40 to 54; the obturator at rows 24 to 35.
    dead = np.zeros(VOLUME.shape, dtype=np.bool_)
    dead[7:9, 26:30, 56:60] = True
    assert without_unseen(WHOLE, _segmented(), MIDLINE, _check(dead)) == WHOLE
    dead[7:9, 26:30, 53:60] = True
    seen = without_unseen(WHOLE, _segmented(), MIDLINE, _check(dead))
    missed = [(each.side, each.station, each.reason) for each in seen if not each.assessed]
    assert missed == [("left", "obturator", "a fault of the image reaches it in slices 7-10")]


def test_a_station_of_which_more_than_a_trifle_lies_without_signal_is_not_assessed() -> None:
    # In each slice the left obturator station has 12 rows and 15 columns: three columns are a fifth of it.
    dim = np.zeros(VOLUME.shape, dtype=np.bool_)
    dim[7:9, :, 52:] = True
    assert without_unseen(WHOLE, _segmented(), MIDLINE, _check(dim=dim)) == WHOLE
    dim[8, :, 51:] = True
    seen = without_unseen(WHOLE, _segmented(), MIDLINE, _check(dim=dim))
    missed = [(each.side, each.station, each.reason) for each in seen if not each.assessed]
    assert ("left", "obturator", "the image has next to no signal there in slice 9") in missed
    assert {side for side, _, _ in missed} == {"left"}
    (reason,) = reasons_without_verdict((), _check(dim=dim), seen, WHOLE)
    assert "left obturator" in reason


def test_a_slice_without_image_reaches_every_station_that_it_parts() -> None:
    check = _check(faults={10: "empty"})
    seen = without_unseen(WHOLE, _segmented(), MIDLINE, check)
    assert not any(each.assessed for each in seen)
    (reason,) = reasons_without_verdict((), check, seen, WHOLE)
    assert reason.startswith("faults of the image reach left external iliac, ")


def test_a_sound_image_changes_nothing() -> None:
    assert _check().unseen is None
    assert without_unseen(WHOLE, _segmented(), MIDLINE, _check()) is WHOLE
    assert reasons_without_verdict((Gate("grey_levels", "pass", ""),), _check(), WHOLE, WHOLE) == ()
    findings = build_case().findings
    assert withhold_verdict(findings, (), frozenset()) is findings


def test_many_faults_leave_no_verdict_wherever_the_stations_are() -> None:
    faults: dict[int, Fault] = dict.fromkeys(range(5), "noise")
    assert reasons_without_verdict((), _check(faults=faults), WHOLE, WHOLE) == (
        "too many slices are no image of their place",
    )
    assert reasons_without_verdict((), _check(faults=dict.fromkeys(range(4), "noise")), WHOLE, WHOLE) == ()
    dead = np.zeros(VOLUME.shape, dtype=np.bool_)
    dead[:2] = True
    assert reasons_without_verdict((), _check(dead), WHOLE, WHOLE) == ("too much of the body is without signal",)


@pytest.mark.parametrize("code", ["grey_levels", "far_from_training", "image_artefacts"])
def test_an_image_that_is_none_leaves_case_and_nodes_indeterminate(code: str) -> None:
    findings = build_case().findings
    assert findings.status == "positive"
    (reason,) = reasons_without_verdict((Gate(code, "warn", ""),), _check(), WHOLE, WHOLE)
    told = withhold_verdict(findings, (reason,), frozenset())
    assert told.status == "indeterminate"
    assert {node.status for node in told.nodes} == {"indeterminate"}
    assert told.warnings[-1] == f"no verdict is given: {reason}"
    assert not any(each.assessed for each in told.assessed)
    assert {each.reason for each in told.assessed} == {reason}
    assert told.incompletely_seen


def test_a_fault_of_a_part_leaves_the_stations_that_it_does_not_reach_assessed() -> None:
    findings = build_case().findings
    told = withhold_verdict(findings, ("faults of the image reach left obturator",), frozenset())
    assert told.assessed == findings.assessed


def test_a_demonstration_stays_one_and_says_why_it_would_have_no_verdict() -> None:
    findings = _demonstration(build_case().findings)
    told = withhold_verdict(findings, ("the image has too few grey levels",), frozenset({1}))
    assert told.status == "demonstration"
    assert {node.status for node in told.nodes} == {"demonstration"}
    assert told.warnings[-1] == "no verdict is given: the image has too few grey levels"


def _demonstration(findings: Findings) -> Findings:
    nodes = tuple(replace(node, status="demonstration") for node in findings.nodes)
    return replace(findings, status="demonstration", nodes=nodes)


def test_a_node_at_a_fault_is_in_doubt_and_the_others_are_not() -> None:
    centres = ((30.0, 0.0, 0.0), (-30.0, 0.0, 0.0))
    posterior = np.max([soft_ellipsoid(VOLUME, centre, (8, 8, 12)) for centre in centres], axis=0)
    measured = find_nodes(
        VOLUME, segmentation(VOLUME, posterior), MIDLINE, ScoringRules(), tracking_seed="case", demonstration=False
    )
    assert [(node.id, node.side) for node in measured.nodes] == [(1, "right"), (2, "left")]
    dead = np.zeros(VOLUME.shape, dtype=np.bool_)
    dead[10, 29:31, 49:53] = True  # the left node ends 38 mm from the middle, at column 48
    assert doubtful_nodes(measured, dead) == {2}
    findings = replace(build_case().findings, nodes=measured.nodes)
    told = withhold_verdict(findings, (), doubtful_nodes(measured, dead))
    assert [node.status for node in told.nodes] == [measured.nodes[0].status, "indeterminate"]
    assert "node 2 at a fault of the image" in told.warnings[-1]
    assert told.status == findings.status


def test_slices_are_numbered_from_one_with_ranges() -> None:
    assert numbered([4]) == "slice 5"
    assert numbered([8, 2, 3, 4]) == "slices 3-5, 9"
