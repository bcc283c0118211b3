"""What was known of a case when its gates were checked, for the pictures of those that warn or refuse."""

from dataclasses import dataclass
from functools import cached_property

from core.findings import Node, StationAssessment
from core.judging.image_check import ImageCheck
from core.judging.input_statistics import InputReference
from core.measuring.midline import Midline
from core.measuring.nodes import MeasuredNodes
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume
from runtime.results.drawing import Canvas, View
from runtime.results.panels import grey_range


@dataclass(frozen=True, eq=False)
class GateEvidence:
    """One case as far as it got: whatever comes after the image may be missing."""

    volume: Volume
    """Canonical image (z, y, x)."""

    reference: InputReference | None = None
    """What the image statistics were compared with."""

    segmentation: Segmentation | None = None
    """On the volume's grid."""

    midline: Midline | None = None
    assessed: tuple[StationAssessment, ...] = ()
    measured: MeasuredNodes | None = None
    rules: ScoringRules | None = None
    image: ImageCheck | None = None
    """What of the image is none; looked for again where it was not kept."""

    @cached_property
    def grey(self) -> tuple[float, float]:
        """Intensities shown as black and white."""
        return grey_range(self.volume.voxels)

    @property
    def middle_slice(self) -> int:
        """Index of the middle slice."""
        return self.volume.shape[0] // 2

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The measured nodes; empty before they were measured."""
        return self.measured.nodes if self.measured else ()

    def canvas(self, view: View) -> Canvas:
        """Return a canvas with a slice of the image."""
        return Canvas(view, self.volume, self.grey)
