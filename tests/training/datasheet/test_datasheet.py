"""The parts of the data sheet: bars that hold every node, pictures that show the mask, and texts that are escaped."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from core.labels import EXTERNAL_ILIAC, NODE_POSITIVE
from core.volume import Volume
from tests.training.intake.test_cohort_checks import record
from training.datasheet.charts import NEGATIVE_FILL, POSITIVE_FILL, histogram
from training.datasheet.content import describe_dataset
from training.datasheet.page import render
from training.intake.records import CaseRecord, NodeRecord
from training.intake.study import TakenIn
from training.intake.thumbnails import LABEL_COLOURS, thumbnail


def taken(*records: CaseRecord) -> TakenIn:
    return TakenIn(records, Path("key.csv"), spare_series=2, unreadable_archives=0)


def test_every_node_stands_in_a_bar_and_large_ones_share_the_last() -> None:
    svg = str(histogram("left obturator", [3.2, 3.9, 6.999], [7.0, 40.0]))
    # Bars worked by hand: two negatives at 3 mm (full height 90), one at 6 mm (45); positives at 7 mm and at the end.
    heights = {
        fill: [float(height) for height in re.findall(rf'height="([\d.]+)" fill="{fill}"', svg)]
        for fill in (NEGATIVE_FILL, POSITIVE_FILL)
    }
    assert heights == {NEGATIVE_FILL: [90.0, 45.0], POSITIVE_FILL: [45.0, 45.0]}
    assert "3 negative and 2 positive" in svg


def test_a_thumbnail_shows_the_slice_with_the_node_and_its_outlines() -> None:
    voxels = np.zeros((3, 52, 52), dtype=np.float32)
    voxels[2, 20:30, 20:30] = 100
    labels = np.zeros(voxels.shape, dtype=np.uint8)
    labels[0, 10:40, 10:40] = EXTERNAL_ILIAC
    labels[2, 20:30, 20:40] = NODE_POSITIVE
    grid = Volume(voxels, (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)[:, ::-1])
    with Image.open(io.BytesIO(thumbnail(grid, grid.with_voxels(labels)))) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (260, 260, 3)
    yellow = (pixels == LABEL_COLOURS[NODE_POSITIVE]).all(axis=2)
    rows, columns = np.nonzero(yellow)
    # Five pixels per voxel: the outline runs from voxel 20 to the end of voxels 29 and 39.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (100, 149, 100, 199)
    assert not (pixels == LABEL_COLOURS[EXTERNAL_ILIAC]).all(axis=2).any()


def test_counts_are_by_hospital_status_and_fold() -> None:
    cases = [record(name, hospital=hospital) for name, hospital in (("a", "n"), ("b", "n"), ("c", "s"))]
    tested = record("t", hospital="x", split="test")
    folds = [{"train": ["b", "c"], "val": ["a"]}, {"train": ["a", "c"], "val": ["b"]}]
    sheet = describe_dataset("Dataset501_Sidewall", "clinical", taken(*cases, tested), folds)
    assert [(group["hospital"], group["folds"], group["shared"], group["test"]) for group in sheet["groups"]] == [
        ("n", [1, 1], 0, 0),
        ("s", [0, 0], 1, 0),
        ("x", [0, 0], 0, 1),
    ]
    assert sheet["voxels"]["slice distance, mm"] == {"min": 3.0, "median": 3.0, "max": 3.0}
    assert sheet["counts"]["MR series without mask"] == 2


def test_nodes_are_told_apart_by_station_and_side_and_outside_every_station() -> None:
    case = record("a")
    nodes = (NodeRecord("left", "obturator", 8.1, True), NodeRecord("unknown", None, 4.0, False))
    case = replace(case, content=replace(case.require_content(), nodes=nodes))
    sheet = describe_dataset("d", "clinical", taken(case), [])
    found = {(each["station"], each["side"]): (each["negative"], each["positive"]) for each in sheet["short_axes_mm"]}
    assert found["obturator", "left"] == ([], [8.1])
    assert found["none", "unknown"] == ([4.0], [])
    assert len(found) == 7


def test_words_of_a_table_or_a_header_cannot_break_the_page() -> None:
    sheet = describe_dataset("d", "clinical", taken(record("a", hospital="<script>alert(1)</script>")), [])
    page = render(sheet, [], [], 0, 0)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "No folds could be dealt." in page
