"""On the truth of phantoms, read as an ideal segmentation, every node is found, placed and measured."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from core.findings import Node
from core.judging.assessing import assess_stations
from core.labels import NODE_LABELS, NODE_POSITIVE
from core.measuring.midline import fit_midline
from core.measuring.nodes import MeasuredNodes, find_nodes
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume, canonicalise
from phantom.case import PhantomCase, PhantomOptions, generate_case
from tests.fixtures.volumes import mirror_header


def _blurred(voxels: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Return a mask smoothed in the plane with the kernel 1/4, 1/2, 1/4."""
    padded = np.pad(voxels.astype(np.float32), ((0, 0), (1, 1), (1, 1)))
    rows = 0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:]
    return np.asarray(0.25 * rows[:, :, :-2] + 0.5 * rows[:, :, 1:-1] + 0.25 * rows[:, :, 2:], dtype=np.float32)


def _ideal(labels: Volume) -> Segmentation:
    node = _blurred(np.isin(labels.voxels, NODE_LABELS))
    positive = _blurred(labels.voxels == NODE_POSITIVE)
    share = np.divide(positive, node, out=np.zeros_like(node), where=node > 0)
    return Segmentation(labels, labels.with_voxels(node), labels.with_voxels(share), (), 1)


def _analyze(case: PhantomCase) -> tuple[MeasuredNodes, Volume]:
    """Return what is found on a case's own truth, and the truth's instance map on the same grid."""
    image, labels, node_ids = (canonicalise(volume)[0] for volume in (case.image, case.labels, case.node_ids))
    segmented = _ideal(labels)
    midline = fit_midline(image, segmented)
    assert midline.trusted
    assert all(a.volume_mm3 > 1000 for a in assess_stations(segmented, midline, ScoringRules()))
    # The smallest true nodes may measure just below the size from which nodes are reported.
    rules = ScoringRules(min_short_axis_mm=0.0)
    found = find_nodes(image, segmented, midline, rules, tracking_seed="1", demonstration=False)
    return found, node_ids


@pytest.fixture(scope="module", params=[3, 29])
def case(request: pytest.FixtureRequest) -> PhantomCase:
    return generate_case(request.param, options=PhantomOptions(node_count=5))


def test_every_true_node_is_found_on_its_side_in_its_station_with_its_size(case: PhantomCase) -> None:
    found, node_ids = _analyze(case)
    assert len(found.nodes) == len(case.nodes)
    errors_mm = []
    for true in case.nodes:
        node = _node_on(found, node_ids.voxels == true.id)
        assert (node.side, node.station) == (true.side, true.station)
        assert node.status_by_model == true.status
        errors_mm.append(abs(node.short_axis_mm - true.short_axis_mm))
    assert np.mean(errors_mm) < 0.5
    assert max(errors_mm) < 1.5


def test_mirroring_the_header_alone_puts_every_node_on_the_other_side() -> None:
    case = generate_case(3, options=PhantomOptions(node_count=5))
    image, labels, ids = (mirror_header(volume) for volume in (case.image, case.labels, case.node_ids))
    found, node_ids = _analyze(replace(case, image=image, labels=labels, node_ids=ids))
    other = {"left": "right", "right": "left"}
    for true in case.nodes:
        node = _node_on(found, node_ids.voxels == true.id)
        assert (node.side, node.station) == (other[true.side], true.station)


def _node_on(found: MeasuredNodes, mask: npt.NDArray[np.bool_]) -> Node:
    """Return the node that covers most of a true node."""
    counts = np.bincount(found.instances.voxels[mask])
    return found.nodes[int(np.argmax(counts[1:]))]
