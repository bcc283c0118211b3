"""The words that every program of ours shares: stations, sides, statuses, and their codes in DICOM.

Plain data without any library, so that the engine, its clients and the statistics read the same table. A station is
entered here once; `CONTRIBUTING.md` names what else it needs.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Side = Literal["left", "right", "unknown"]
"""The patient's own side; `unknown` when no midline could be trusted."""

SIDES: Final[tuple[Literal["left", "right"], ...]] = ("left", "right")
"""The sides that a station is looked for on."""

Station = Literal["external_iliac", "obturator", "internal_iliac"]
"""Lateral compartment of a node (Qiao et al. 2025; external iliac includes the inguinal region)."""

NodeStatus = Literal["positive", "negative", "borderline", "indeterminate", "demonstration"]
CaseStatus = Literal["positive", "negative", "borderline", "indeterminate", "refused", "demonstration"]

Colour = tuple[int, int, int]
"""sRGB, 0..255."""

PRIVATE_SCHEME: Final = "99SIDEWALL"
"""Coding scheme of what no standard has a code for."""


class Coded(NamedTuple):
    """A coded concept of DICOM, in the order of `pydicom.sr.coding.Code`."""

    value: str
    scheme_designator: str
    meaning: str

    @property
    def key(self) -> tuple[str, str]:
        """What a reader knows the concept by: meanings may be worded otherwise."""
        return self.value, self.scheme_designator


@dataclass(frozen=True)
class StationWords:
    """All that is said of one station, wherever it is said."""

    name: Station
    """In findings.json and on the wire."""

    label: int
    """Value in our label maps, from 1."""

    label_name: str
    """In nnU-Net's dataset.json and in the manifest of a bundle."""

    abbreviation: str
    """In narrow tables and in the tables of the study (Qiao et al. 2025)."""

    code: Coded
    """Lymph nodes there (CID 7600); the internal iliac ones go by their older name."""

    other_codes: tuple[str, ...]
    """SNOMED CT codes of regions that count as this station."""

    is_regional: bool
    """Whether its nodes count as N; those of other stations count as M."""

    colour: Colour
    """On dark images, in key images and as the SEG's recommended display colour."""

    study_colour: Colour
    """The study's own (Qiao et al. 2025: purple, green, red), lightened to stand out from grey."""

    paper_fill: str
    """On white paper."""

    @property
    def words(self) -> str:
        """The name in running text."""
        return self.name.replace("_", " ")


STATIONS: Final[tuple[StationWords, ...]] = (
    StationWords(
        name="external_iliac",
        label=1,
        label_name="external_iliac_inguinal",
        abbreviation="EI",
        code=Coded("65349008", "SCT", "External iliac lymph node"),
        other_codes=("8928004",),
        is_regional=False,
        colour=(86, 156, 230),
        study_colour=(190, 110, 255),
        paper_fill="#cfe2f7",
    ),
    StationWords(
        name="obturator",
        label=2,
        label_name="obturator",
        abbreviation="OB",
        code=Coded("36086000", "SCT", "Obturator lymph node"),
        other_codes=(),
        is_regional=True,
        colour=(240, 190, 70),
        study_colour=(60, 210, 90),
        paper_fill="#f8e6b8",
    ),
    StationWords(
        name="internal_iliac",
        label=3,
        label_name="internal_iliac",
        abbreviation="II",
        code=Coded("69255009", "SCT", "Hypogastric lymph node"),
        other_codes=(),
        is_regional=True,
        colour=(112, 200, 140),
        study_colour=(255, 80, 80),
        paper_fill="#cdebd6",
    ),
)
"""Every station, in the order of its labels."""

STATION: Final[dict[Station, StationWords]] = {each.name: each for each in STATIONS}
"""By name."""

STUDY_ORDER: Final[tuple[StationWords, ...]] = STATIONS[::-1]
"""Internal iliac first, as the tables of the study have them."""

SIDE_CODES: Final[dict[Side, Coded]] = {
    "left": Coded("7771000", "SCT", "Left"),
    "right": Coded("24028007", "SCT", "Right"),
}
"""CID 244; a side that is `unknown` has no code and is left out."""

STATUS_CODES: Final[dict[CaseStatus, Coded]] = {
    "positive": Coded("10828004", "SCT", "Positive"),
    "negative": Coded("260385009", "SCT", "Negative"),
    "borderline": Coded("BORDERLINE", PRIVATE_SCHEME, "Borderline"),
    "indeterminate": Coded("82334004", "SCT", "Indeterminate"),
    "refused": Coded("REFUSED", PRIVATE_SCHEME, "Refused: the input was not analysed"),
    "demonstration": Coded("DEMONSTRATION", PRIVATE_SCHEME, "Demonstration model, not a result"),
}
"""Of cases; nodes have all of them but `refused`."""

# What a reader of our structured reports looks for.

MEASUREMENT_GROUP: Final = Coded("125007", "DCM", "Measurement Group")
FINDING_SITE: Final = Coded("363698007", "SCT", "Finding Site")
LATERALITY: Final = Coded("272741003", "SCT", "Laterality")
SHORT_AXIS: Final = Coded("103340004", "SCT", "Short Axis")
CASE_STATUS: Final = Coded("CASE_STATUS", PRIVATE_SCHEME, "Lateral lymph node status of the patient")
NODE_STATUS: Final = Coded("NODE_STATUS", PRIVATE_SCHEME, "Lymph node status")
NODE_STATION: Final = Coded("STATION", PRIVATE_SCHEME, "Lateral station")
PROBABILITY: Final = Coded("PROBABILITY", PRIVATE_SCHEME, "Mean positive share of the model")
