"""A series that was sent twice under new UIDs is taken as one complete set, whatever tells the sets apart."""

import copy
import random
from collections.abc import Callable

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from core.reading import read_series
from tests.core.dicom_cases import ROOT, classic, encode_all, image

COUNT = 14


def twice(first: Callable[[int], str], second: Callable[[int], str]) -> tuple[list[Dataset], list[Dataset]]:
    """Return two sendings of one series, whose UIDs end as the functions of a slice's index say."""
    sets = []
    for end_of in (first, second):
        datasets = copy.deepcopy(classic(image(COUNT)))
        for index, dataset in enumerate(datasets):
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{ROOT}.{end_of(index)}")
        sets.append(datasets)
    return sets[0], sets[1]


def taken(datasets: list[Dataset]) -> set[str]:
    series = read_series(encode_all(datasets))
    assert np.array_equal(series.volume.voxels, image(COUNT).voxels)
    (warning,) = (each for each in series.warnings if "sent twice" in each)
    assert warning.startswith(f"sent twice: {len(datasets) - COUNT} instances")
    return {frame.sop_instance_uid for frame in series.frames}


def uids(datasets: list[Dataset]) -> set[str]:
    return {str(dataset.SOPInstanceUID) for dataset in datasets}


def shuffled(datasets: list[Dataset], seed: int) -> list[Dataset]:
    return random.Random(seed).sample(datasets, len(datasets))


ONE_AFTER_ANOTHER: dict[str, tuple[Callable[[int], str], Callable[[int], str]]] = {
    "numbers go on": (lambda index: f"5.{index + 1}", lambda index: f"5.{index + 1 + COUNT}"),
    "numbers go on backwards": (lambda index: f"5.{index + 1}", lambda index: f"5.{2 * COUNT - index}"),
    "longer numbers": (lambda index: f"5.{index + 95}", lambda index: f"5.{index + 1000}"),
    "in turns": (lambda index: f"5.{2 * index + 1}", lambda index: f"5.{2 * index + 2}"),
    "other beginnings": (lambda index: f"6.{9 * index + 1}", lambda index: f"5.{7 * index + 1}"),
}


@pytest.mark.parametrize("kind", ONE_AFTER_ANOTHER)
def test_uids_tell_the_sets_apart_whatever_the_order_of_the_files(kind: str) -> None:
    first, second = twice(*ONE_AFTER_ANOTHER[kind])
    found = [taken(order) for order in (first + second, second + first, shuffled(first + second, 1))]
    assert found[0] in (uids(first), uids(second))
    assert found[1:] == found[:1] * 2


def scattered(seed: int) -> Callable[[int], str]:
    numbers = random.Random(seed).sample(range(10**9, 10**10), COUNT)
    return lambda index: f"5.{numbers[index]}"


def test_a_stamp_of_the_sender_tells_sets_apart_whose_uids_are_scattered() -> None:
    first, second = twice(scattered(1), scattered(2))
    for dataset in second:
        dataset.InstanceCreationDate = "20260301"
    found = [taken(order) for order in (first + second, second + first, shuffled(first + second, 3))]
    assert found[0] in (uids(first), uids(second))
    assert found[1:] == found[:1] * 2


def test_files_that_lie_together_tell_sets_apart_where_nothing_else_does() -> None:
    first, second = twice(scattered(1), scattered(2))
    found = [taken(order) for order in (first + second, second + first, shuffled(first, 4) + shuffled(second, 5))]
    assert found[0] in (uids(first), uids(second))
    assert found[1:] == found[:1] * 2


@pytest.mark.parametrize("part", [slice(0, 6), slice(8, 14)], ids=["lower", "upper"])
def test_a_part_that_was_sent_again_is_left_whole(part: slice) -> None:
    first, second = twice(scattered(1), scattered(2))
    assert taken(first + second[part]) == uids(first)
    assert taken(second[part] + first) == uids(first)


def test_where_nothing_tells_sets_apart_each_place_is_taken_once() -> None:
    first, second = twice(scattered(1), scattered(2))
    assert len(taken(shuffled(first + second, 6))) == COUNT
