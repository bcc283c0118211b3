"""Folds that run together on one machine share its GPUs in turn."""

import pytest

from training.gpus import gpu_of, visible_gpus


def test_three_folds_on_two_gpus_share_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    assert [gpu_of(place, visible_gpus()) for place in range(3)] == ["2", "5", "2"]


def test_without_a_gpu_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu_of(0, visible_gpus()) is None
