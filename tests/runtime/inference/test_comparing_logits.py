import numpy as np

from runtime.inference.comparing import LogitError, compare_labels, compare_logits


def test_errors_of_logits_are_shares_of_their_size() -> None:
    wanted = np.array([[10.0, -2.0], [0.0, 4.0]])
    got = np.array([[9.0, -2.0], [0.5, 4.0]], dtype=np.float32)
    # Largest 1 of 10; mean (1 + 0.5) / 4 of 16 / 4.
    assert compare_logits(got, wanted) == LogitError(0.1, 0.09375)
    assert compare_logits(wanted, wanted) == LogitError(0.0, 0.0)
    assert compare_logits(wanted, np.zeros((2, 2))).maximum == float("inf")


def test_dice_is_told_of_structures_that_either_map_holds() -> None:
    wanted = np.array([2, 2, 2, 0, 0, 4], dtype=np.uint8)
    got = np.array([2, 2, 0, 0, 1, 4], dtype=np.uint8)
    agreement = compare_labels(got, wanted)
    assert agreement.differing_share == 2 / 6
    # Two voxels of three in common with two: 2 * 2 / 5.
    assert agreement.dice == {"external_iliac_inguinal": 0.0, "obturator": 0.8, "node_negative": 1.0}
    assert agreement.voxels == {"external_iliac_inguinal": 0, "obturator": 3, "node_negative": 1}
    assert agreement.judged(2) == {"obturator": 0.8}
