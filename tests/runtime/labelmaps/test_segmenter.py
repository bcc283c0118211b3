"""A drawn node counts, whatever a bundle says of the nodes of its model."""

from dataclasses import replace

import numpy as np

from core.labelmaps import ForeignLabels
from core.labels import NODE_POSITIVE
from core.measuring.midline import Midline
from core.measuring.nodes import find_nodes
from core.progress import SilentMonitor
from core.rules import ScoringRules
from runtime.labelmaps import LabelMapSegmenter
from tests.core.bodies import grid, soft_ellipsoid, stations

MIDLINE = Midline((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.9, trusted=True)
STRICT = ScoringRules(
    node_threshold=0.7, positive_probability=0.9, model_min_short_axis_mm=7.0, min_mean_posterior=0.95,
    short_axis_cutoff_mm=8.0, min_short_axis_mm=4.0,
)  # fmt: skip
"""Of a bundle that trusts its model with large and certain nodes only."""


def test_a_small_drawn_node_is_reported_and_believed_under_the_rules_of_a_strict_bundle() -> None:
    volume = grid((9, 110, 132), (3.3, 0.8, 0.8))
    labels = stations(volume).copy()
    labels[soft_ellipsoid(volume, (-35, 0, 0), (2.6, 3.5, 6)) >= 0.5] = NODE_POSITIVE
    map_of_a_reader = ForeignLabels(volume.with_voxels(labels.astype(np.uint16)), sha256="ab" * 32)
    segmenter = LabelMapSegmenter(map_of_a_reader, given_rules=STRICT)
    segmented = segmenter.segment(volume, SilentMonitor(), segmenter.rules)
    found = find_nodes(volume, segmented, MIDLINE, segmenter.rules, tracking_seed="1.2", demonstration=False)
    (node,) = found.nodes
    assert 4.0 < node.short_axis_mm < 7.0
    assert (node.status_by_rule, node.status_by_label, node.status) == ("negative", "positive", "positive")


def test_only_what_is_about_a_model_is_left_out_of_the_rules() -> None:
    labels = ForeignLabels(grid((2, 2, 2), (1.0, 1.0, 1.0)), sha256="ab" * 32)
    default = ScoringRules()
    assert LabelMapSegmenter(labels, given_rules=STRICT).rules == replace(
        STRICT,
        node_threshold=default.node_threshold,
        positive_probability=default.positive_probability,
        model_min_short_axis_mm=default.model_min_short_axis_mm,
        min_mean_posterior=default.min_mean_posterior,
    )


def test_a_map_of_fewer_slices_than_the_series_is_told() -> None:
    volume = grid((9, 110, 132), (3.3, 0.8, 0.8))
    whole = volume.with_voxels(stations(volume).astype(np.uint16))
    x, y, z = (float(each) for each in whole.index_to_lps_mm(np.array([[2.0, 0.0, 0.0]]))[0])
    part = replace(whole, voxels=whole.voxels[2:8], origin_lps_mm=(x, y, z))
    notes = {}
    for name, drawn in (("whole", whole), ("part", part)):
        segmenter = LabelMapSegmenter(ForeignLabels(drawn, sha256="ab" * 32))
        notes[name] = segmenter.segment(volume, SilentMonitor(), segmenter.rules).notes
    said = "the label map holds 6 of the 9 slices of the series; the others count as empty"
    assert notes == {"whole": (), "part": (said,)}
