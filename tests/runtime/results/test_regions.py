import numpy as np
import pytest

from runtime.results.regions import CaseRegions
from tests.runtime.results.cases import CENTRE_LPS_MM, build_case


def test_stations_are_split_at_the_midline_and_not_at_x_zero() -> None:
    regions = build_case(with_nodes=False).regions
    masks = regions.station_masks()
    assert [key[1] for key in masks] == ["right", "left"] * 3
    for (_, side), mask in masks.items():
        x_mm = regions.labels.index_to_lps_mm(np.argwhere(mask))[:, 0]
        assert np.all(x_mm > CENTRE_LPS_MM[0]) if side == "left" else np.all(x_mm < CENTRE_LPS_MM[0])


def test_the_sides_together_are_the_label_map() -> None:
    regions = build_case().regions
    total = sum(mask.astype(int) for mask in regions.station_masks().values())
    assert np.array_equal(total, np.isin(regions.labels.voxels, (1, 2, 3)).astype(int))


def test_without_a_trusted_midline_a_station_has_no_side() -> None:
    assert {side for _, side in build_case(trusted=False).regions.station_masks()} == {"unknown"}


def test_grids_that_differ_are_rejected() -> None:
    regions = build_case().regions
    cut = regions.labels.with_voxels(regions.labels.voxels)
    smaller = type(cut)(cut.voxels[1:], cut.spacing_mm, cut.origin_lps_mm, cut.direction)
    with pytest.raises(ValueError, match="labels must lie on the image's grid"):
        CaseRegions(regions.image, smaller, regions.instances, regions.midline, regions.reorientation)
