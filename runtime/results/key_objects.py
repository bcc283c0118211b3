"""The Key Object Selection: which source slices show nodes, and what the analysis made of them."""

from collections.abc import Sequence

import highdicom as hd
from pydicom.dataset import Dataset

from runtime.results import codes
from runtime.results.context import ResultContext
from runtime.results.regions import CaseRegions
from runtime.results.segmentation_object import SegmentationObject
from runtime.results.source import SourceReference
from runtime.results.structured_report import describe_observer
from runtime.results.words import RESEARCH_WORDS


def build_key_objects(
    context: ResultContext,
    slices: Sequence[SourceReference],
    captures: Sequence[Dataset],
    segmentation: SegmentationObject | None,
    report: Dataset | None,
    missing: Sequence[str] = (),
    further: Sequence[Dataset] = (),
) -> hd.ko.KeyObjectSelectionDocument:
    """Return the document that selects source slices (at least one), key images, SEG when there is one, SR, `further`.

    `missing` names the files that should be there and are not: the document says that it is incomplete.
    """
    of_all = [None if segmentation is None else segmentation.dataset, report]
    results = [*captures, *(each for each in of_all if each is not None), *further]
    lacking = f". INCOMPLETE, not written: {', '.join(missing)}" if missing else ""
    objects = [*(reference.instance for reference in slices), *results]
    content = hd.ko.KeyObjectSelection(
        document_title=codes.OF_INTEREST,
        referenced_objects=objects,
        observer_device_context=describe_observer(),
        description=f"{RESEARCH_WORDS}. Source slices, key images, segmentation and report of one analysis by software"
        f"{lacking}",
    )
    _add_frame_numbers(content, slices)
    document = hd.ko.KeyObjectSelectionDocument(evidence=objects, content=content, **context.attributes("key_objects"))
    context.complete(document)
    return document


def slices_with_nodes(context: ResultContext, regions: CaseRegions) -> tuple[SourceReference, ...]:
    """Return the source slices that show a node; empty without nodes."""
    return context.source.references(regions.to_source_grid(regions.instances.voxels > 0))


def _add_frame_numbers(content: hd.ko.KeyObjectSelection, slices: Sequence[SourceReference]) -> None:
    """Name the frames of enhanced instances, which highdicom has no argument for."""
    frames = {str(reference.instance.SOPInstanceUID): reference.frame_numbers for reference in slices}
    for item in content[0].ContentSequence:
        for reference in item.get("ReferencedSOPSequence", ()):
            numbers = frames.get(str(reference.ReferencedSOPInstanceUID))
            if numbers:
                reference.ReferencedFrameNumber = list(numbers)
