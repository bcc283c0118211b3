"""The golden case: what a backend must reproduce before it may serve."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.labels import LABEL_NAMES
from core.progress import SilentMonitor
from runtime.inference.model import LoadedModel
from trust.errors import BundleRejected

LabelArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class GoldenReport:
    """How the golden case came out on one backend."""

    backend: str
    mode: str
    differing_share: float
    """Share of voxels with another label than nnU-Net gave."""

    dice: dict[str, float]
    """Per structure that is large enough to be judged."""

    passed: bool

    def __str__(self) -> str:
        """Return one line for logs and tables."""
        lowest = min(self.dice.values(), default=1.0)
        verdict = "passed" if self.passed else "FAILED"
        return (
            f"golden case {verdict} on {self.backend} ({self.mode}): "
            f"{self.differing_share:.2e} of the voxels differ, lowest Dice {lowest:.4f}"
        )


def run_golden(model: LoadedModel) -> GoldenReport:
    """Segment the bundle's golden case and compare the labels with nnU-Net's own."""
    golden = model.bundle.manifest.golden
    expected = model.bundle.golden_labels()
    got: LabelArray = model.segment(model.bundle.golden_volume(), SilentMonitor()).labels.voxels
    if got.shape != expected.shape:
        raise BundleRejected(f"the golden case has labels of shape {expected.shape} for an image of {got.shape}")
    dice = {
        name: dice_of(got, expected, label)
        for name, label in LABEL_NAMES.items()
        if label and np.count_nonzero(expected == label) >= golden.min_dice_voxels
    }
    differing = float(np.mean(got != expected))
    passed = differing <= golden.max_differing_share and min(dice.values(), default=1.0) >= golden.min_dice
    return GoldenReport(model.backend_name, model.mode, differing, dice, passed)


def require_golden(model: LoadedModel) -> GoldenReport:
    """Return the report of a golden case that passed; raises `BundleRejected` when it did not."""
    report = run_golden(model)
    if not report.passed:
        raise BundleRejected(str(report))
    return report


def dice_of(first: LabelArray, second: LabelArray, label: int) -> float:
    """Return the Dice overlap of one label in two maps of the same shape; 1 when it is in neither."""
    a, b = first == label, second == label
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 2.0 * int(np.count_nonzero(a & b)) / int(total) if total else 1.0
