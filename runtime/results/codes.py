"""Coded concepts of the DICOM results, and the private ones where no standard code exists.

Codes were taken from the context groups named beside them (PS3.16). There is no standard code for a node's scored
status, so the words that SNOMED CT lacks are private, under `99SIDEWALL`.
"""

from typing import Final

from pydicom.sr.coding import Code
from sidewall import vocabulary
from sidewall.vocabulary import PRIVATE_SCHEME, CaseStatus, NodeStatus, Side, Station

from core.wording import REFUSAL_MEANINGS

ANATOMICAL_STRUCTURE: Final = Code("91723000", "SCT", "Anatomical Structure")
"""Segment category (CID 7150); a node segment is no `Neoplasm`: there is no histology."""

SPATIAL_CONCEPT: Final = Code("309825002", "SCT", "Spatial and Relational Concept")
"""Segment category (CID 7150) of a station: a region that is told by its borders, and no structure of its own."""

LYMPH_NODE: Final = Code("59441001", "SCT", "Lymph node")
PELVIC_LYMPH_NODE: Final = Code("54268001", "SCT", "Pelvic lymph node")

STATION_CODES: Final[dict[Station, Code]] = {each.name: Code(*each.code) for each in vocabulary.STATIONS}
"""CID 7600."""

LATERALITY_CODES: Final[dict[Side, Code]] = {side: Code(*code) for side, code in vocabulary.SIDE_CODES.items()}
"""CID 244; a side that is `unknown` has no code and is left out."""

SHORT_AXIS: Final = Code(*vocabulary.SHORT_AXIS)
LONG_AXIS: Final = Code("103339001", "SCT", "Long Axis")
"""Both meanings are capitalised as dcmjs writes them: the adapters of cornerstone find the axes by these words."""

VOLUME: Final = Code("118565006", "SCT", "Volume")
NUMBER_OF_LESIONS: Final = Code("246206008", "SCT", "Number of lesions")
MILLIMETRE: Final = Code("mm", "UCUM", "millimeter")
CUBIC_MILLIMETRE: Final = Code("mm3", "UCUM", "cubic millimeter")
DAY: Final = Code("d", "UCUM", "day")
PERCENT: Final = Code("%", "UCUM", "percent")
NO_UNITS: Final = Code("1", "UCUM", "no units")

YES: Final = Code("373066001", "SCT", "Yes")
NO: Final = Code("373067005", "SCT", "No")
PRESENT: Final = Code("52101004", "SCT", "Present")
ABSENT: Final = Code("272519000", "SCT", "Absent")
INDETERMINATE: Final = Code(*vocabulary.STATUS_CODES["indeterminate"])

ARTIFICIAL_INTELLIGENCE: Final = Code("123110", "DCM", "Artificial Intelligence")
"""Algorithm family (CID 7162)."""

DEVICE: Final = Code("121007", "DCM", "Device")
"""Observer type (CID 270)."""

MAGNETIC_RESONANCE_IMAGING: Final = Code("113091000", "SCT", "Magnetic resonance imaging")

DEMONSTRATION: Final = Code(*vocabulary.STATUS_CODES["demonstration"])

STATUS_CODES: Final[dict[CaseStatus | NodeStatus, Code]] = {
    status: Code(*code) for status, code in vocabulary.STATUS_CODES.items()
}

SUSPICION_CODES: Final[dict[CaseStatus, Code]] = {
    "positive": PRESENT,
    "negative": ABSENT,
    "borderline": INDETERMINATE,
    "indeterminate": INDETERMINATE,
    "demonstration": DEMONSTRATION,
}
"""Whether a suspicious lateral node is there, by the status of the case; of a refused one nothing is said."""

CASE_STATUS: Final = Code(*vocabulary.CASE_STATUS)
SUSPICIOUS_NODE: Final = Code("SUSPICIOUS_NODE", PRIVATE_SCHEME, "Suspicious lateral lymph node")
IMAGE_FAULT: Final = Code("IMAGE_FAULT", PRIVATE_SCHEME, "Fault of the image")
NODE_FOUND: Final = Code("NODE_FOUND", PRIVATE_SCHEME, "Lateral lymph node segmented")
SEGMENTATION_MADE: Final = Code("SEGMENTATION_MADE", PRIVATE_SCHEME, "Segmentation object written")
INCOMPLETELY_SEEN: Final = Code("INCOMPLETELY_SEEN", PRIVATE_SCHEME, "Incompletely seen; a negative answer is withheld")
STATION_ASSESSED: Final = Code("STATION_ASSESSED", PRIVATE_SCHEME, "Station assessed")
NODE_STATUS: Final = Code(*vocabulary.NODE_STATUS)
STATUS_BY_RULE: Final = Code("STATUS_BY_RULE", PRIVATE_SCHEME, "Lymph node status by rule alone")
STATUS_BY_MODEL: Final = Code("STATUS_BY_MODEL", PRIVATE_SCHEME, "Lymph node status by model alone")
STATION_REGION: Final = Code("STATION_REGION", PRIVATE_SCHEME, "Lateral lymph node compartment")
VOLUME_WITH_NODES: Final = Code("VOLUME_AND_NODES", PRIVATE_SCHEME, "Volume of the compartment with the nodes in it")
LOWER_BOUND: Final = Code("LOWER_BOUND", PRIVATE_SCHEME, "At least this: cut by the edge of the image")
STATION: Final = Code(*vocabulary.NODE_STATION)
REGIONAL: Final = Code("REGIONAL", PRIVATE_SCHEME, "Regional lymph node (N, not M)")
PROBABILITY: Final = Code(*vocabulary.PROBABILITY)
LONG_AXIS_3D: Final = Code("LONG_AXIS_3D", PRIVATE_SCHEME, "Longest diameter in space")
SHORT_AXIS_3D: Final = Code("SHORT_AXIS_3D", PRIVATE_SCHEME, "Shortest of three perpendicular diameters in space")
BORDER_INDEX: Final = Code("BORDER_INDEX", PRIVATE_SCHEME, "Irregularity of the border, 0 is an ellipse")
SIGNAL_INDEX: Final = Code("SIGNAL_INDEX", PRIVATE_SCHEME, "Heterogeneity of the signal, 0 is uniform")
IRREGULAR_BORDER: Final = Code("IRREGULAR_BORDER", PRIVATE_SCHEME, "Irregular border")
HETEROGENEOUS: Final = Code("HETEROGENEOUS", PRIVATE_SCHEME, "Heterogeneous signal")
CONGLOMERATE: Final = Code("CONGLOMERATE", PRIVATE_SCHEME, "Several nodes grown together")
CUT_BY_IMAGE: Final = Code("CUT_BY_IMAGE", PRIVATE_SCHEME, "Reaches the edge of the image; sizes are lower bounds")

EARLIER_NODE: Final = Code("EARLIER_NODE", PRIVATE_SCHEME, "Number of the node in the earlier study")
EARLIER_SHORT: Final = Code("EARLIER_SHORT", PRIVATE_SCHEME, "Short axis in the earlier study")
SHORT_CHANGE: Final = Code("SHORT_CHANGE", PRIVATE_SCHEME, "Change of the short axis since the earlier study")
CHANGE_LOW: Final = Code("CHANGE_LOW", PRIVATE_SCHEME, "Lowest change of the short axis that the folds allow")
CHANGE_HIGH: Final = Code("CHANGE_HIGH", PRIVATE_SCHEME, "Highest change of the short axis that the folds allow")
METHOD_DIFFERENCE: Final = Code("METHOD_DIFFERENCE", PRIVATE_SCHEME, "Difference of the short axis between two methods")
PERCENT_CHANGE: Final = Code("PERCENT_CHANGE", PRIVATE_SCHEME, "Change of the short axis, share of the earlier one")
PERCENT_LOW: Final = Code("PERCENT_LOW", PRIVATE_SCHEME, "Lowest change in percent that the folds allow")
PERCENT_HIGH: Final = Code("PERCENT_HIGH", PRIVATE_SCHEME, "Highest change in percent that the folds allow")
CHANGE_MEASURABLE: Final = Code("CHANGE_MEASURABLE", PRIVATE_SCHEME, "Change is larger than the limit of agreement")
AGREEMENT_LIMIT: Final = Code("AGREEMENT_LIMIT", PRIVATE_SCHEME, "Limit of agreement of the short axis of two studies")
EARLIER_VOLUME: Final = Code("EARLIER_VOLUME", PRIVATE_SCHEME, "Volume in the earlier study")
VOLUME_CHANGE: Final = Code("VOLUME_CHANGE", PRIVATE_SCHEME, "Change of the volume since the earlier study")
VOLUME_LOW: Final = Code("VOLUME_LOW", PRIVATE_SCHEME, "Lowest change of the volume that the folds allow")
VOLUME_HIGH: Final = Code("VOLUME_HIGH", PRIVATE_SCHEME, "Highest change of the volume that the folds allow")
EARLIER_STUDY: Final = Code("EARLIER_STUDY", PRIVATE_SCHEME, "Earlier study that this one is compared with")
EARLIER_REPORT: Final = Code("EARLIER_REPORT", PRIVATE_SCHEME, "Report of the earlier study")
EARLIER_DATE: Final = Code("EARLIER_DATE", PRIVATE_SCHEME, "Date of the earlier study")
INTERVAL: Final = Code("INTERVAL", PRIVATE_SCHEME, "Time from the earlier study to this one")
GONE_NODE: Final = Code("GONE_NODE", PRIVATE_SCHEME, "Node of the earlier study not found again")
EARLIER_FOUND: Final = Code("EARLIER_FOUND", PRIVATE_SCHEME, "Node found in the earlier study")
EARLIER_CERTAIN: Final = Code("EARLIER_CERTAIN", PRIVATE_SCHEME, "No other node was nearly as close to the earlier one")
NOT_FOUND_AGAIN: Final = Code("NOT_FOUND_AGAIN", PRIVATE_SCHEME, "Nodes of the earlier study not found again")

BASELINE: Final = Code("C1442488", "UMLS", "Baseline")
"""Time point type (CID 6146)."""

QUALITATIVE_EVALUATIONS: Final = Code("C0034375", "UMLS", "Qualitative Evaluations")
"""Container of TID 1500."""

MEASUREMENT_REPORT: Final = Code("126000", "DCM", "Imaging Measurement Report")
OF_INTEREST: Final = Code("113000", "DCM", "Of Interest")
"""Title of the key object selection (CID 7010)."""

SOURCE_IMAGE: Final = Code("121322", "DCM", "Source image for image processing operation")
"""Purpose of reference (CID 7202)."""

REFUSAL_REASON: Final = Code("REFUSAL_REASON", PRIVATE_SCHEME, "Reason of the refusal")
REFUSAL_TEXT: Final = Code("REFUSAL_TEXT", PRIVATE_SCHEME, "Reason of the refusal in words")
OTHER_REASON: Final = Code("OTHER_REASON", PRIVATE_SCHEME, "Another reason, given in words")

WARNING: Final = Code("WARNING", PRIVATE_SCHEME, "Warning")
WARNING_TEXT: Final = Code("WARNING_TEXT", PRIVATE_SCHEME, "Warning in words")
OTHER_WARNING: Final = Code("OTHER_WARNING", PRIVATE_SCHEME, "Another warning, given in words")

REFUSAL_CODES: Final[dict[str, Code]] = {
    str(code): Code(code.upper(), PRIVATE_SCHEME, meaning) for code, meaning in REFUSAL_MEANINGS.items()
}
"""The word of findings.json -> its code; a word that is not here goes as `OTHER_REASON`.

A quality check that warns has the code that it would refuse with, under `WARNING`.
"""


def private_codes() -> tuple[Code, ...]:
    """Return every private code of the results, by value."""
    found: set[Code] = set()
    for value in globals().values():
        found.update(each for each in (value.values() if isinstance(value, dict) else (value,)) if _is_private(each))
    return tuple(sorted(found, key=lambda code: str(code.value)))


def _is_private(value: object) -> bool:
    return isinstance(value, Code) and value.scheme_designator == PRIVATE_SCHEME
