import numpy as np
import pytest

from export.errors import ExportFailed
from export.onnx_parity import FormPrecision, check_error, compare_logits


def _logits(*voxels: list[float]) -> np.ndarray:
    """Return logits (class, 1, 1, voxel) of background and two structures."""
    return np.array(voxels, np.float32).T[:, None, None]


WANTED = _logits([4, 0, 0], [0, 2, 1], [0, 3, 1], [0, 1, 2])
"""Labels 0, 1, 1, 2; the largest logit is 4."""


def test_errors_are_shares_of_the_largest_logit_and_dice_is_over_all_structures() -> None:
    answer = WANTED.copy()
    answer[2, 0, 0, 1] = 3  # Voxel 1 becomes label 2: off by 2.
    error = compare_logits("onnxruntime-cpu", "float32", [answer], [WANTED])
    assert (error.maximum, error.relative, error.differing_voxels) == (2, 0.5, 1)
    assert error.mean == pytest.approx(2 / 12)
    assert error.dice == pytest.approx(2 * 2 / 6)  # Two of three structure voxels agree, three on either side.


def test_no_structure_on_either_side_is_full_agreement() -> None:
    error = compare_logits("onnxruntime-cpu", "float32", [_logits([1, 0, 0])], [_logits([2, 0, 0])])
    assert error.dice == 1


@pytest.mark.parametrize(
    ("backend", "precision", "offset", "accepted"),
    [
        ("onnxruntime-cpu", "float32", 0.9e-4, True),
        ("onnxruntime-cpu", "float32", 1.1e-4, False),
        ("openvino-cpu", "float32", 9e-4, True),
        ("openvino-cpu", "float32", 11e-4, False),
        ("openvino-cpu", "float16", 9e-3, True),
        ("openvino-cpu", "float16", 11e-3, False),
        ("openvino-cpu", "bfloat16", 9e-2, True),
        ("openvino-cpu", "bfloat16", 11e-2, False),
    ],
)
def test_the_file_itself_is_held_closer_than_engines_and_lesser_precisions(
    backend: str, precision: FormPrecision, offset: float, accepted: bool
) -> None:
    error = compare_logits(backend, precision, [WANTED + np.float32(4 * offset)], [WANTED])
    if accepted:
        check_error(error)
    else:
        with pytest.raises(ExportFailed, match=rf"exported in {precision} differs from torch on {backend} by up to"):
            check_error(error)


def test_labels_count_beyond_a_stray_voxel_or_two() -> None:
    wanted = np.zeros((2, 1, 1, 100), np.float32)
    wanted[0], wanted[1, ..., 50:] = 1e-6, 1.0
    answer = wanted.copy()
    for count, accepted in ((2, True), (3, False)):
        answer[1, ..., :count] = 2e-6  # A structure where there was none, by a hair.
        error = compare_logits("onnxruntime-cpu", "float32", [answer], [wanted])
        assert error.differing_voxels == count
        if accepted:
            check_error(error)
        else:
            with pytest.raises(ExportFailed, match=r"a Dice of the labels of 0\.97087; allowed: 1e-04 and 0\.9999"):
                check_error(error)


def test_answers_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ExportFailed, match="by up to nan"):
        check_error(compare_logits("openvino-cpu", "bfloat16", [WANTED * np.float32(np.nan)], [WANTED]))
