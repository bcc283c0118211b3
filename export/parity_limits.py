"""How far a precision may be from the float32 reference, and what of a comparison lies beyond."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from export.agreement import NodeAgreement
from runtime.inference.backends.protocol import Precision
from runtime.inference.comparing import LabelAgreement, LogitError

FEWEST_JUDGED_VOXELS: Final = 1000
"""A smaller structure's Dice is told and not judged: one voxel would decide. Its nodes are judged by the findings."""


@dataclass(frozen=True)
class Tolerance:
    """How far a precision may be from the float32 reference."""

    max_logit_error: float
    """Share of the largest reference logit."""

    mean_logit_error: float
    """Share of the mean absolute reference logit."""

    min_dice: float
    """Of every structure of at least `FEWEST_JUDGED_VOXELS`."""

    max_axis_difference_mm: float
    """Of any node's short axis."""

    reason: str


TOLERANCES: Final[Mapping[Precision, Tolerance]] = {
    "float32": Tolerance(
        0.02, 5e-4, 0.999, 0.05, "the same arithmetic in another order; tiles are added in float16, as nnU-Net does"
    ),
    "float16": Tolerance(
        0.02, 1e-3, 0.998, 0.1, "11 bits of mantissa, statistics of normalisations in float32; sizes are read in tenths"
    ),
    "bfloat16": Tolerance(
        0.15,
        2e-2,
        0.998,
        0.1,
        "8 bits of mantissa: small logits of a short training waver by a twelfth; results decide",
    ),
}
"""Of logits about four times what the demo bundle's golden case has on OpenVINO in float32 (5.4e-3 and 5.3e-5), and in
bfloat16 (1.3e-2 and 1.4e-3) twice what networks of a short training have, whose logits are small (7e-2). Results are
held to what `benchmarks/parity.py` holds the modes to.
"""


def judge(
    tolerance: Tolerance, logits: LogitError, labels: LabelAgreement, findings: NodeAgreement
) -> tuple[list[str], list[str]]:
    """Return what lies beyond the tolerance, in logits and labels, and in the findings."""
    of_images = [
        f"{name} logit error {got:.2e}, allowed {allowed:g}"
        for name, got, allowed in (
            ("largest", logits.maximum, tolerance.max_logit_error),
            ("mean", logits.mean, tolerance.mean_logit_error),
        )
        if not got <= allowed
    ]
    of_images += [
        f"Dice of {name} {dice:.4f}, allowed {tolerance.min_dice}"
        for name, dice in labels.judged(FEWEST_JUDGED_VOXELS).items()
        if dice < tolerance.min_dice
    ]
    of_findings = [] if findings.same else [findings.difference]
    axis_mm = findings.largest_axis_difference_mm
    if axis_mm is not None and axis_mm > tolerance.max_axis_difference_mm:
        of_findings.append(f"short axis differs by {axis_mm:.2f} mm, allowed {tolerance.max_axis_difference_mm}")
    return of_images, of_findings
