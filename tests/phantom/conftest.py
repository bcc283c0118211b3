"""A small hand-made case, so that these tests do not wait for the generator."""

from dataclasses import replace

import numpy as np
import pytest

from core.volume import Volume
from phantom.case import PhantomCase, TrueNode
from tests.fixtures.tiny_series import PLAIN_ACQUISITION


@pytest.fixture
def handmade_case() -> PhantomCase:
    """Return an oblique (6, 40, 50) case with one box node of value 5 at known voxels."""
    tilt = np.radians(10.0)
    direction = np.array([[0, 0, 1], [-np.sin(tilt), np.cos(tilt), 0], [np.cos(tilt), np.sin(tilt), 0]])
    image = np.random.default_rng(7).integers(0, 900, (6, 40, 50)).astype(np.uint16)
    grid = Volume(image, (3.3, 0.7, 0.7), (-31.25, -120.1, -60.0), direction)
    labels = np.zeros(image.shape, np.uint8)
    labels[1:5, 8:24, 30:46] = 2
    labels[2:4, 12:20, 34:42] = 5
    node = TrueNode(
        id=1,
        side="left",
        station="obturator",
        centre_lps_mm=tuple(map(float, grid.index_to_lps_mm((2.5, 15.5, 37.5)))),  # type: ignore[arg-type]
        short_axis_mm=7.1,
        long_axis_mm=8.4,
        irregular_border=True,
        heterogeneous_signal=False,
        status="positive",
    )
    acquisition = replace(
        PLAIN_ACQUISITION,
        spacing_mm=grid.spacing_mm,
        gap_mm=0.3,
        tilt_deg=10.0,
        echo_time_ms=101.0,
        field_strength_t=3.0,
        manufacturer="Example Imaging",
        model_name="Phantom One",
        noise_sd=0.03,
        ghost_amplitude=0.02,
    )
    return PhantomCase(
        seed=12,
        image=grid,
        labels=grid.with_voxels(labels),
        node_ids=grid.with_voxels((labels == 5).astype(np.uint8)),
        tissues=grid.with_voxels(np.zeros(image.shape, np.uint8)),
        nodes=(node,),
        acquisition=acquisition,
    )
