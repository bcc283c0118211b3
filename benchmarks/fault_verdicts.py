"""Whether a planted fault keeps a case from a verdict, by the true label map, without a model and its statistics."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.image_faults import Planting
from core.findings import StationAssessment
from core.judging.assessing import assess_stations
from core.judging.image_check import examine_image
from core.judging.image_reference import ImageReference
from core.judging.withholding import reasons_without_verdict, without_unseen
from core.labelmaps import segmentation_of
from core.measuring.midline import Midline, fit_midline
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """A sound canonical image and its true label map on the same grid."""

    image: Volume
    labels: Volume

    @cached_property
    def segmentation(self) -> Segmentation:
        """The label map as a model that is always right would give it."""
        return segmentation_of(self.labels.with_voxels(self.labels.voxels.astype(np.uint8)), judged=True)

    @cached_property
    def midline(self) -> Midline:
        """That of the sound image: a fault that spoils the midline must not help."""
        return fit_midline(self.image, self.segmentation)

    @cached_property
    def assessed(self) -> tuple[StationAssessment, ...]:
        """What is seen of each station in the sound image."""
        return assess_stations(self.segmentation, self.midline, ScoringRules())

    @property
    def is_whole(self) -> bool:
        """Whether every station of both sides is seen, so that the sound image has a verdict."""
        return all(each.assessed for each in self.assessed)

    def is_withheld(self, planting: Planting, limits: ImageReference) -> bool:
        """Return whether the faulty image has no verdict, so that it cannot be called negative."""
        check = examine_image(self.image.with_voxels(planting.change(self.image)), limits)
        seen = without_unseen(self.assessed, self.segmentation, self.midline, check)
        return bool(reasons_without_verdict(check.gates, check, seen, self.assessed))
