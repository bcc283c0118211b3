"""What a series that is no plain T2 says about itself: one table, which reading and the choice of a series share.

Coded words decide. Free text, such as the description, is often left as it was in the protocol: it only warns, and by
the word of this table alone.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from core.errors import RefusalCode
from core.reading.elements import PARSE_ERRORS, element_value, items_of
from core.reading.frames import Frame
from core.reading.notes import Notes

Verdict = Literal["refused", "warned"]


@dataclass(frozen=True)
class Kind:
    """One kind of image that is no plain T2, and how it is told."""

    name: str
    """What it is, as the messages say it."""

    told_by: str
    """Where it is said, for people."""

    words: frozenset[str]
    """The values that say so, without spaces, hyphens and underscores; empty where any number above 0 says so."""

    verdict: Verdict
    allowed: str


def _words(*words: str) -> frozenset[str]:
    return frozenset(_plain(word) for word in words)


def _plain(word: str) -> str:
    return re.sub(r"[\s_-]", "", word.upper())


FAT_SUPPRESSED: Final = Kind(
    "fat-suppressed",
    "Scan Options (0018,0022), Spectrally Selected Suppression (0018,9025)",
    _words(
        "FS", "FAT", "FAT_AND_WATER", "SLICE_SELECTIVE", "FATSAT", "FAT_SATURATION", "FAT_SUPPRESSION",
        "FAT_SUPPRESSED", "FATSUP", "SPECTRAL FATSAT", "CHEMSAT", "CHESS", "SPAIR", "SPIR", "SPECIR", "SPECIAL", "STIR",
        "TIRM", "WE", "WATER_EXCITATION", "PROSET",
    ),
    "refused",
    "T2 without fat suppression",
)  # fmt: skip
INVERSION: Final = Kind(
    "with an inversion pulse",
    "Inversion Time (0018,0082), Inversion Times (0018,9079)",
    frozenset(),
    "refused",
    "T2 without an inversion time",
)
WATER_SUPPRESSED: Final = Kind(
    "with the signal of water or silicone suppressed",
    "Spectrally Selected Suppression (0018,9025)",
    _words("WATER", "SILICON_GEL"),
    "refused",
    "T2 without suppression",
)
DARK_FAT: Final = Kind(
    "the water, fat or out-of-phase part of a Dixon acquisition",
    "Image Type (0008,0008) or Frame Type (0008,9007), third value and on: these, or WATER or FAT within a value",
    _words(
        "W", "WATER", "F", "FAT", "OP", "OPP", "OUT", "OPP_PHASE", "OUT_PHASE", "OUT_OF_PHASE", "OPPOSED_PHASE",
        "OPPOSED", "FF", "FAT_FRACTION", "WATER_FRACTION",
    ),
    "refused",
    "images with bright fat",
)  # fmt: skip
IN_PHASE: Final = Kind(
    "the in-phase part of a Dixon acquisition, or one that is not named",
    "Image Type (0008,0008) or Frame Type (0008,9007), third value and on; Scan Options (0018,0022)",
    _words("IP", "IN", "IN_PHASE", "DIXON", "IDEAL"),
    "warned",
    "usual: no Dixon",
)
NOT_MAGNITUDE: Final = Kind(
    "a part of a complex image that is no magnitude",
    "Image Type (0008,0008) or Frame Type (0008,9007), third and fourth value; Complex Image Component (0008,9208); of "
    "GE, whose image type is silent about it, the private element (0043,102F)",
    _words(
        "P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAG", "IMAGINARY", "P_SE", "R_SE", "I_SE", "P_IR", "R_IR",
        "I_IR", "P_FFE", "R_FFE", "I_FFE", "VELOCITY",
    ),
    "refused",
    "magnitude images",
)  # fmt: skip
ELSEWHERE: Final = Kind(
    "of another body part",
    "Body Part Examined (0018,0015): all but the pelvis and the abdomen; the meaning of Anatomic Region (0008,2218): "
    "what does not touch the pelvis",
    frozenset(),
    "warned",
    "usual: the pelvis or abdomen",
)
DESCRIBED: Final = Kind(
    "described as no plain T2",
    "Series Description (0008,103E), Protocol Name (0018,1030): whole words, none after a word such as NO or "
    "before OFF",
    frozenset(
        {
            "T1", "T1W", "T1WI", "DWI", "DIFF", "ADC", "STIR", "TIRM", "FLAIR", "FS", "T2FS", "FSAT", "FATSAT",
            "FATSUP", "FETTSAT", "SPAIR", "SPIR", "DIXON", "MDIXON", "IDEAL", "PD", "PDW",
        }
    ),
    "warned",
    "usual: T2 without fat suppression",
)  # fmt: skip

COMPUTED: Final = Kind(
    "computed from other images",
    "Image Type (0008,0008) or Frame Type (0008,9007); of DERIVED images Derivation Code Sequence (0008,9215), "
    "Derivation Description (0008,2111) and geometry, too",
    _words(
        "ADC", "CALC_BVALUE", "CPR", "DIFFUSION", "EADC", "EXP", "FA", "MAX_IP", "MIN_IP", "MIP", "MINIP", "MOSAIC",
        "MPR", "PERFUSION", "PROJECTION IMAGE", "REFORMATTED", "SCREEN SAVE", "SUB", "SUBTRACTION", "T1 MAP", "T2 MAP",
        "T2_STAR MAP", "TRACEW",
    ),
    "refused",
    "images as acquired",
)  # fmt: skip
_COMPUTED_WITHIN: Final = frozenset({"ADC", "CPR", "MAP", "MINIP", "MIP", "MPR", "PROJECTION", "SUBTRACTION"})
"""Words that say the same within a value, such as `B0 MAP` and `CSA MPR`."""
FILTERED: Final = Kind(
    "called DERIVED and no more, as filters of vendors do",
    "Image Type (0008,0008) or Frame Type (0008,9007) with PRIMARY; with the setting `filtered_images` at `warn` taken "
    "with a warning, and always so where lossy compression (0028,2110) explains it",
    _words("DERIVED"),
    "refused",
    "ORIGINAL images",
)

KINDS: Final = (
    COMPUTED, FILTERED, FAT_SUPPRESSED, WATER_SUPPRESSED, INVERSION, DARK_FAT, NOT_MAGNITUDE, IN_PHASE, ELSEWHERE,
    DESCRIBED,
)  # fmt: skip
"""The table, in the order in which it is gone through."""

_DENIED_BY: Final = frozenset(
    {
        "NO", "NOT", "NON", "NICHT", "KEIN", "KEINE", "OHNE", "SANS", "SENZA", "SIN", "SEM", "GEEN", "ZONDER", "UTAN",
        "WITHOUT", "WO",
    }
)  # fmt: skip
_DENIED_BEFORE: Final = frozenset({"OFF", "AUS"})
_WITHIN_DARK_FAT: Final = frozenset({"WATER", "FAT"})
_GE_RAW_DATA: Final = (0x0043, "GEMS_PARM_01", 0x2F)
"""Group, creator and element in which GE says what a pixel is."""

_GE_COMPONENTS: Final = {1: "PHASE", 2: "REAL", 3: "IMAGINARY"}
_NO_AGENT: Final = frozenset({"", "NO", "NONE", "N"})
"""What is written where no contrast agent was given."""

_TEXT_WORD: Final = re.compile(r"[A-Z0-9]+")

_PELVIS: Final = re.compile(r"\b(PELV|RECT|PROSTAT|BLADDER|UTER|CERVIX|ANUS|ANAL|BECKEN|BEKKEN|BASSIN|BACINO)|PELVIS")
_ABDOMEN: Final = re.compile(r"ABDO|\bABD\b")
_SURELY_ELSEWHERE: Final = re.compile(
    r"HEAD|BRAIN|SKULL|ORBIT|PITUITARY|FACE|JAW|IAC|EAR|NECK|C.?SPINE|T.?SPINE|CHEST|THORAX|HEART|BREAST|SHOULDER|"
    r"CLAVICLE|HUMERUS|ARM|ELBOW|WRIST|HAND|FINGER|KNEE|CALF|LEG|ANKLE|FOOT|TOE|LIVER|PANCREAS|KIDNEY\Z"
)
"""Body parts that do not touch the pelvis; the thigh, the hip, the abdomen and the lumbar spine do."""

_CODE_STRING: Final = re.compile(r"[A-Z0-9_ ]{1,16}\Z")


def check_kinds(frames: Sequence[Frame], notes: Notes) -> None:
    """Note what of the table the frames say about themselves: a reason to refuse, or a warning."""
    for kind, said in kinds_of(frames):
        message = f"the series is {kind.name} ({said}); {_allowed(kind)}"
        if kind.verdict == "refused":
            notes.refuse(RefusalCode.NOT_T2, message)
        else:
            notes.warn(message)


def kinds_of(frames: Sequence[Frame]) -> list[tuple[Kind, str]]:
    """Return what of the table some of the frames say about themselves, each with what they say, safe to show."""
    found = [
        (FAT_SUPPRESSED, _coded(frames, FAT_SUPPRESSED, _suppressions)),
        (
            WATER_SUPPRESSED,
            _coded(frames, WATER_SUPPRESSED, lambda frame: frame.words("SpectrallySelectedSuppression")),
        ),
        (INVERSION, _inversion_times(frames)),
        (DARK_FAT, _dark_fat(frames)),
        (NOT_MAGNITUDE, _coded(frames, NOT_MAGNITUDE, _components)),
        (IN_PHASE, _coded(frames, IN_PHASE, lambda frame: (*image_type(frame)[2:], *frame.words("ScanOptions")))),
        (ELSEWHERE, _other_parts(frames)),
        (DESCRIBED, _described(frames)),
    ]
    return [(kind, said) for kind, said in found if said]


def image_type(frame: Frame) -> tuple[str, ...]:
    """Return the words that say what kind of image a frame is; empty if none does."""
    return frame.words("FrameType") or frame.words("ImageType")


def is_computed(word: str) -> bool:
    """Return whether a value of the image type says that the image was computed from others."""
    return _plain(word) in COMPUTED.words


def computed_within(word: str) -> tuple[str, ...]:
    """Return the words within a value of the image type that say the same, such as `MAP` in `B0 MAP`."""
    return () if is_computed(word) else tuple(part for part in _TEXT_WORD.findall(word) if part in _COMPUTED_WITHIN)


def is_fat_suppressed(frame: Frame) -> bool:
    """Return whether a frame says that the signal of fat was suppressed."""
    return any(_plain(word) in FAT_SUPPRESSED.words for word in _suppressions(frame))


def is_pelvis(body_part: str) -> bool:
    """Return whether a stated body part, in upper case, is the pelvis or lies in it."""
    return bool(_PELVIS.search(body_part))


def is_elsewhere(body_part: str) -> bool:
    """Return whether a stated body part surely does not touch the pelvis."""
    return bool(_SURELY_ELSEWHERE.match(body_part)) and not is_pelvis(body_part)


def described_as(text: str) -> tuple[str, ...]:
    """Return the words of a description that speak against a plain T2, sorted; words that are denied do not."""
    words = _TEXT_WORD.findall(text.upper().replace("W/O", "WO"))
    found = set()
    for place, word in enumerate(words):
        after = words[place + 1 : place + 2]
        if word == "FAT" and after and after[0].startswith(("SAT", "SUP")):
            word = "FATSAT"
        if word in DESCRIBED.words and not _is_denied(words[:place], after):
            found.add(word)
    return tuple(sorted(found))


def _is_denied(before: Sequence[str], after: Sequence[str]) -> bool:
    return (
        not _DENIED_BY.isdisjoint(before[-1:]) or before[-2:] == ["PAS", "DE"] or not _DENIED_BEFORE.isdisjoint(after)
    )


def has_contrast_agent(frame: Frame) -> bool:
    """Return whether a frame says that a contrast agent was given; `NONE` as its name says that none was."""
    administered = frame.text("ContrastBolusAgentAdministered").upper()
    if administered:
        return administered == "YES"
    named = frame.text("ContrastBolusAgent").upper() not in _NO_AGENT
    return named or element_value(frame.dataset, "ContrastBolusAgentSequence") is not None


def shown_word(word: str) -> str:
    """Return a code string as it may be shown; anything else could be misplaced free text."""
    return word if _CODE_STRING.match(word) else "not stated" if not word else "not a known word"


def _allowed(kind: Kind) -> str:
    return kind.allowed if kind.allowed.startswith("usual") else f"allowed: {kind.allowed}"


def _coded(frames: Sequence[Frame], kind: Kind, words_of: Callable[[Frame], tuple[str, ...]]) -> str:
    said = {word for frame in frames for word in words_of(frame) if _plain(word) in kind.words}
    return ", ".join(sorted(said))


def _suppressions(frame: Frame) -> tuple[str, ...]:
    return (*frame.words("ScanOptions"), *frame.words("SpectrallySelectedSuppression"))


def _components(frame: Frame) -> tuple[str, ...]:
    return (*image_type(frame)[2:4], *frame.words("ComplexImageComponent"), *_ge_component(frame))


def _ge_component(frame: Frame) -> tuple[str, ...]:
    group, creator, element = _GE_RAW_DATA
    try:
        value = frame.dataset.private_block(group, creator)[element].value
        return (_GE_COMPONENTS[int(value)],)
    except PARSE_ERRORS:
        return ()  # neither by GE nor any of these


def _dark_fat(frames: Sequence[Frame]) -> str:
    words = {word for frame in frames for word in image_type(frame)[2:]}
    said = {word for word in words if _plain(word) in DARK_FAT.words}
    said |= {part for word in words - said for part in _TEXT_WORD.findall(word) if part in _WITHIN_DARK_FAT}
    return ", ".join(sorted(said))


def _inversion_times(frames: Sequence[Frame]) -> str:
    keywords = ("InversionTime", "InversionTimes")
    times = {time for frame in frames for keyword in keywords for time in frame.numbers(keyword) if time > 0}
    return ", ".join(f"{time:g} ms" for time in sorted(times)[:4])


def _other_parts(frames: Sequence[Frame]) -> str:
    parts = {part for frame in frames for part in frame.words("BodyPartExamined") if part}
    other = sorted(shown_word(part) for part in parts if not is_pelvis(part) and not _ABDOMEN.search(part))
    regions = (_SURELY_ELSEWHERE.match(region) for region in _regions(frames) if is_elsewhere(region))
    other += sorted(found.group() for found in regions if found)
    return f"the body part is {', '.join(dict.fromkeys(other))}" if other else ""


def _regions(frames: Sequence[Frame]) -> set[str]:
    """Return the meanings of the coded anatomic regions, in upper case."""
    places = {id(place): place for frame in frames for place in (*frame.groups, frame.dataset)}
    return {
        str(element_value(code, "CodeMeaning") or "").strip().upper()
        for place in places.values()
        for code in items_of(place, "AnatomicRegionSequence")
    }


def _described(frames: Sequence[Frame]) -> str:
    texts = {frame.text(name) for frame in frames for name in ("SeriesDescription", "ProtocolName")}
    words = sorted({word for text in texts for word in described_as(text)})
    return f"the description says {', '.join(words)}" if words else ""
