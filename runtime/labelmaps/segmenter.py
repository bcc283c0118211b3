"""A label map in the place of a model: the same measurement and scoring for anyone's segmentation."""

from dataclasses import dataclass, field, replace
from typing import Final

from core.findings import ModelDescription
from core.judging.image_reference import ImageReference
from core.judging.input_statistics import InputReference
from core.judging.station_reference import StationReference
from core.labelmaps import (
    ForeignLabels,
    LabelMeanings,
    meanings_of,
    missing_slices_note,
    place_label_map,
    segmentation_of,
)
from core.labels import NODE_NEGATIVE, NODE_POSITIVE
from core.progress import Monitor
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume

_NEUTRAL: Final = ScoringRules()
"""Where the rules about a model's posterior have the values that leave nothing out."""


@dataclass(frozen=True, eq=False)
class LabelMapSegmenter:
    """Answers with a label map that is there already; `runtime.analysis.pipeline` takes it where it takes a model."""

    foreign: ForeignLabels
    meanings: LabelMeanings | None = None
    """What the values stand for; None takes what the file says, else the study's own."""

    given_rules: ScoringRules = field(default_factory=ScoringRules)
    """The study's rules, or those of a bundle."""

    input_reference: InputReference | None = None
    image_reference: ImageReference | None = None
    station_reference: StationReference | None = None
    knows_phantoms_only: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def rules(self) -> ScoringRules:
        """The given rules without what a bundle says of its own model: a drawn node is a node, however small.

        A reader's node has no posterior that could be too low, and no size below which the reader is not believed.
        """
        return replace(
            self.given_rules,
            node_threshold=_NEUTRAL.node_threshold,
            positive_probability=_NEUTRAL.positive_probability,
            model_min_short_axis_mm=_NEUTRAL.model_min_short_axis_mm,
            min_mean_posterior=_NEUTRAL.min_mean_posterior,
        )

    @property
    def label_map_sha256(self) -> str:
        """Digest of the file."""
        return self.foreign.sha256

    def describe(self) -> ModelDescription | None:
        """Return None: no model was at work."""
        return None

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules) -> Segmentation:
        """Return the label map on the canonical volume's grid, its nodes softened so that they measure without bias.

        Raises `CaseRefused` when the map does not lie on the volume's voxels or holds values that stand for nothing.
        """
        monitor.check()
        labels = place_label_map(self.foreign, volume, self.meanings)
        known = set(meanings_of(self.foreign, self.meanings).values())
        # Who has one word for all nodes, as a DICOM SEG does, drew them and did not judge them.
        segmentation = segmentation_of(labels, judged={NODE_NEGATIVE, NODE_POSITIVE} <= known)
        return replace(segmentation, notes=missing_slices_note(self.foreign, volume))
