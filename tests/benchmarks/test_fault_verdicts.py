"""No planted fault leaves a phantom its verdict, though its true label map says where everything is."""

import pytest

from benchmarks.artefact_faults import ARTEFACTS, FAINT, WITHOUT_VERDICT
from benchmarks.fault_verdicts import LabelledImage
from benchmarks.image_faults import SOUND, Planting
from benchmarks.image_gates import labelled_phantom
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE


@pytest.fixture(scope="module")
def phantom() -> LabelledImage:
    """Return a clean phantom of 256 x 256 pixels whose stations are all seen."""
    found = labelled_phantom(5)
    assert found.is_whole
    return found


@pytest.mark.parametrize("planting", [*ARTEFACTS, *WITHOUT_VERDICT], ids=lambda planting: planting.name)
def test_a_fault_leaves_no_verdict(planting: Planting, phantom: LabelledImage) -> None:
    assert phantom.is_withheld(planting, DEFAULT_IMAGE_REFERENCE)


@pytest.mark.parametrize("planting", [*SOUND, *FAINT], ids=lambda planting: planting.name)
def test_what_is_unusual_but_sound_keeps_its_verdict(planting: Planting, phantom: LabelledImage) -> None:
    if planting.name.startswith("hip prostheses"):
        pytest.skip("planted without regard to the stations, which they may reach")
    assert not phantom.is_withheld(planting, DEFAULT_IMAGE_REFERENCE)
