"""How far images lie from training images: usable series near, what is no such image far."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.input_distances import CHANGES, app, distances, markdown, read_pixels
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE
from core.reading import read_series
from core.volume import Volume, canonicalise
from runtime.bundle.loading import load_bundle

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "models" / "demo"


@pytest.fixture(scope="module")
def image(real_series: Path) -> Volume:
    return read_pixels(real_series)


def test_pixels_are_those_that_reading_gives(real_series: Path, image: Volume) -> None:
    read = canonicalise(read_series(real_series).volume)[0]
    assert image.same_grid(read)
    assert np.array_equal(image.voxels, read.voxels)


def test_a_usable_series_is_near_and_noise_alone_is_far(image: Volume) -> None:
    reference = load_bundle(DEMO).input_reference
    assert reference is not None
    references = [("demo", reference, DEFAULT_IMAGE_REFERENCE)]
    near = distances(image, references)["demo"]
    assert not near["far"]
    noise = replace(image, voxels=CHANGES["noise alone"](image))
    far = distances(noise, references)["demo"]
    assert far["far"]
    assert far["distance_sd"] > 2 * near["distance_sd"]


def test_changed_copies_keep_the_grid_and_differ(image: Volume) -> None:
    for name, change in CHANGES.items():
        changed = change(image)
        assert changed.shape == image.shape, name
        assert changed.min() >= 0, name
        assert not np.array_equal(changed, image.voxels), name
    assert len(np.unique(CHANGES["flat regions in eight grey levels, as a drawn phantom has them"](image))) == 8


def test_the_page_marks_what_is_unlike_and_what_is_too_far() -> None:
    told = [{"distance_sd": d, "unlike": d > 2, "far": d > 6} for d in (1.0, 3.0, 9.0)]
    rows = [{"image": str(i), "kind": "usable", "told": {"demo": each}} for i, each in enumerate(told)]
    reference = {"case_count": 5, "unlike_sd": 2.0, "far_sd": 6.0}
    text = markdown({"references": {"demo": reference}, "images": rows, "command": "python"})
    assert "| 0 | usable | 1.0 |" in text
    assert "| 1 | usable | 3.0* |" in text
    assert "| 2 | usable | 9.0** |" in text


def test_a_run_without_a_bundle_or_images_is_refused(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["--series", str(tmp_path), "--out", str(tmp_path / "far.json")])
    assert told.exit_code == 2
    assert "no bundle and no training images" in told.output
