"""Label maps made elsewhere in the place of a model; reading and placing them is `core.labelmaps`."""

from runtime.labelmaps.segmenter import LabelMapSegmenter

__all__ = ["LabelMapSegmenter"]
