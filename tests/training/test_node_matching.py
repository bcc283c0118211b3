import numpy as np
import numpy.typing as npt
import pytest

from training.node_matching import MatchedPair, match_instances


def row(*values: int) -> npt.NDArray[np.uint8]:
    """Return the values as a (1, 1, n) instance map."""
    return np.array(values, np.uint8)[None, None]


def test_a_shifted_node_matches_by_its_iou() -> None:
    # Found covers voxels 0-3, true 2-5: 2 shared of 6.
    matching = match_instances(row(1, 1, 1, 1, 0, 0), row(0, 0, 7, 7, 7, 7))
    assert matching.pairs == (MatchedPair(found=1, true=7, iou=2 / 6),)
    assert (matching.false_alarms, matching.missed) == ((), ())


def test_an_overlap_below_the_threshold_is_a_miss_and_a_false_alarm() -> None:
    # 1 shared of 6 voxels is 0.17.
    found, true = row(1, 1, 1, 0, 0, 0), row(0, 0, 1, 1, 1, 1)
    assert match_instances(found, true).pairs == ()
    assert match_instances(found, true).missed == (1,)
    assert match_instances(found, true).false_alarms == (1,)
    assert len(match_instances(found, true, minimum_iou=0.16).pairs) == 1


def test_exactly_the_threshold_matches() -> None:
    # 1 shared of 5 voxels is 0.2.
    assert len(match_instances(row(1, 1, 0, 0, 0), row(0, 1, 1, 1, 1)).pairs) == 1


def test_one_found_node_over_two_true_nodes_matches_only_the_better() -> None:
    # Found 6 voxels; true 1 shares 4 (IoU 4/6), true 2 shares 2 (IoU 2/6).
    matching = match_instances(row(1, 1, 1, 1, 1, 1), row(1, 1, 1, 1, 2, 2))
    assert matching.pairs == (MatchedPair(found=1, true=1, iou=4 / 6),)
    assert matching.missed == (2,)


def test_the_assignment_is_best_as_a_whole_not_greedy() -> None:
    # A = 5 voxels, B = 2; true 1 = 5, true 2 = 2. IoU A-1 3/7, A-2 2/5, B-1 2/5, B-2 0: greedy would take A-1 first.
    found = row(1, 1, 1, 1, 1, 2, 2, 0, 0)
    true = row(2, 2, 1, 1, 1, 1, 1, 0, 0)
    iou_a1, iou_a2, iou_b1 = 3 / 7, 2 / 5, 2 / 5
    assert iou_a2 + iou_b1 > iou_a1
    assert match_instances(found, true).pairs == (MatchedPair(2, 1, iou_b1), MatchedPair(1, 2, iou_a2))


def test_empty_maps_give_no_pairs() -> None:
    assert match_instances(row(0, 0), row(0, 0)).pairs == ()
    assert match_instances(row(0, 3), row(0, 0)).false_alarms == (3,)
    assert match_instances(row(0, 0), row(0, 3)).missed == (3,)


def test_maps_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="must have one shape"):
        match_instances(row(0, 0), row(0, 0, 0))
