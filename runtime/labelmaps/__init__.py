"""Label maps made elsewhere (NIfTI, NRRD, DICOM SEG), brought onto the grid of the series that they belong to."""

from runtime.labelmaps.meaning import LabelMeanings, parse_meanings
from runtime.labelmaps.placing import place_label_map
from runtime.labelmaps.reading import ForeignLabels, read_label_map
from runtime.labelmaps.segmenter import LabelMapSegmenter

__all__ = [
    "ForeignLabels",
    "LabelMapSegmenter",
    "LabelMeanings",
    "parse_meanings",
    "place_label_map",
    "read_label_map",
]
