"""Label maps made elsewhere (NIfTI, NRRD, DICOM SEG), brought onto the grid of the series that they belong to.

Reader libraries are heavy (highdicom, nibabel, pynrrd): nothing in the rest of the core imports this package.
"""

from core.labelmaps.hard_labels import segmentation_of
from core.labelmaps.meaning import LabelMeanings, parse_meanings
from core.labelmaps.placing import lies_on, meanings_of, missing_slices_note, place_label_map
from core.labelmaps.reading import ForeignLabels, read_label_map

__all__ = [
    "ForeignLabels",
    "LabelMeanings",
    "lies_on",
    "meanings_of",
    "missing_slices_note",
    "parse_meanings",
    "place_label_map",
    "read_label_map",
    "segmentation_of",
]
