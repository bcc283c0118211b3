import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from phantom.anatomy import TISSUES
from phantom.case import PhantomCase, generate_case
from phantom.contrast import SignalRange, markdown_table, phantom_ranges, real_ranges, regions

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "phantom_contrast.json"


def test_every_region_names_a_tissue_of_the_phantom() -> None:
    assert {region.tissue for region in regions()} <= set(TISSUES)
    assert len({region.series for region in regions()}) == 3


def test_the_real_ranges_are_the_committed_ones(shared_data: Path) -> None:
    measured = real_ranges(shared_data / "prostatex_t2")
    for tissue, committed in json.loads(RESULTS.read_text())["real"].items():
        assert measured[tissue].mean == pytest.approx(committed["mean"], abs=1e-4)
        assert (measured[tissue].low, measured[tissue].high) == pytest.approx(
            (committed["low"], committed["high"]), abs=1e-4
        )


def test_a_tissue_is_read_relative_to_pelvic_fat_away_from_its_border(handmade_case: PhantomCase) -> None:
    tissues = np.full(handmade_case.image.shape, TISSUES["pelvic_fat"], np.uint8)
    tissues[:, 10:25, 10:25] = TISSUES["muscle"]
    voxels = np.where(tissues == TISSUES["muscle"], 100, 800).astype(np.uint16)
    voxels[:, 10, 10:25] = 700  # partial volume on the muscle's border
    case = dataclasses.replace(
        handmade_case,
        image=handmade_case.image.with_voxels(voxels),
        tissues=handmade_case.tissues.with_voxels(tissues),
    )
    ranges = phantom_ranges([case])
    assert ranges["muscle"].mean == pytest.approx(100 / 800)
    assert ranges["pelvic_fat"].mean == 1.0
    assert "bladder" not in ranges


def test_the_phantom_lies_within_the_real_ranges() -> None:
    committed = json.loads(RESULTS.read_text())
    for tissue, real in committed["real"].items():
        assert real["low"] <= committed["phantom"][tissue]["mean"] <= real["high"], tissue


def test_the_committed_phantom_ranges_hold_for_its_first_case() -> None:
    committed = json.loads(RESULTS.read_text())["phantom"]
    for tissue, found in phantom_ranges([generate_case(0)]).items():
        assert committed[tissue]["low"] - 1e-4 <= found.mean <= committed[tissue]["high"] + 1e-4, tissue


def test_the_table_has_one_row_per_tissue() -> None:
    real = {"muscle": SignalRange(low=0.1, mean=0.12, high=0.2, samples=3, noise_sd=0.02)}
    assert markdown_table(real, {}).splitlines()[2:] == ["| muscle | 0.12 (0.10-0.20) | 0.020 |  |  |"]
