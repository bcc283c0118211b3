"""What a series that is no plain T2 says about itself: one table, which reading and the choice of a series share.

Coded words decide. Free text, such as the description, is often left as it was in the protocol: it only warns, and by
the word of this table alone.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from core.errors import RefusalCode
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
        "FS", "FAT", "FAT_AND_WATER", "SLICE_SELECTIVE", "FATSAT", "FAT_SUPPRESSION", "FATSUP", "SPAIR", "SPIR",
        "SPECIR", "SPECIAL", "STIR", "TIRM", "WE", "WATER_EXCITATION", "PROSET",
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
DARK_FAT: Final = Kind(
    "the water, fat or out-of-phase part of a Dixon acquisition",
    "Image Type (0008,0008) or Frame Type (0008,9007), third value and on",
    _words(
        "W", "WATER", "F", "FAT", "OP", "OPP", "OUT", "OPP_PHASE", "OUT_PHASE", "OUT_OF_PHASE", "OPPOSED_PHASE",
        "OPPOSED", "FF", "FAT_FRACTION", "WATER_FRACTION",
    ),
    "refused",
    "images with bright fat",
)  # fmt: skip
IN_PHASE: Final = Kind(
    "the in-phase part of a Dixon acquisition",
    "Image Type (0008,0008) or Frame Type (0008,9007), third value and on",
    _words("IP", "IN", "IN_PHASE"),
    "warned",
    "usual: no Dixon",
)
NOT_MAGNITUDE: Final = Kind(
    "a part of a complex image that is no magnitude",
    "Image Type (0008,0008) or Frame Type (0008,9007), third and fourth value; Complex Image Component (0008,9208)",
    _words(
        "P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAG", "IMAGINARY", "P_SE", "R_SE", "I_SE", "P_IR", "R_IR",
        "I_IR", "P_FFE", "R_FFE", "I_FFE", "VELOCITY",
    ),
    "refused",
    "magnitude images",
)  # fmt: skip
ELSEWHERE: Final = Kind(
    "of another body part", "Body Part Examined (0018,0015)", frozenset(), "warned", "usual: the pelvis or abdomen"
)
DESCRIBED: Final = Kind(
    "described as no plain T2",
    "Series Description (0008,103E), Protocol Name (0018,1030): whole words, none after a word such as NO",
    frozenset(
        {
            "T1", "T1W", "T1WI", "DWI", "DIFF", "ADC", "STIR", "TIRM", "FLAIR", "FS", "FATSAT", "FATSUP", "SPAIR",
            "SPIR", "DIXON", "PD", "PDW",
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
        "ADC", "CALC_BVALUE", "CPR", "DIFFUSION", "EADC", "EXP", "FA", "MAX_IP", "MIN_IP", "MIP", "MINIP", "MPR",
        "PROJECTION IMAGE", "REFORMATTED", "SUB", "SUBTRACTION", "T1 MAP", "T2 MAP", "T2_STAR MAP", "TRACEW",
    ),
    "refused",
    "images as acquired",
)  # fmt: skip
FILTERED: Final = Kind(
    "called DERIVED and no more, as filters of vendors do",
    "Image Type (0008,0008) or Frame Type (0008,9007) with PRIMARY; with the setting `filtered_images` at `warn` taken "
    "with a warning, and always so where lossy compression (0028,2110) explains it",
    _words("DERIVED"),
    "refused",
    "ORIGINAL images",
)

KINDS: Final = (COMPUTED, FILTERED, FAT_SUPPRESSED, INVERSION, DARK_FAT, NOT_MAGNITUDE, IN_PHASE, ELSEWHERE, DESCRIBED)
"""The table, in the order in which it is gone through."""

_DENIED_BY: Final = frozenset({"NO", "NOT", "NON", "NICHT", "OHNE", "SANS", "SENZA", "SIN", "SEM", "WITHOUT", "WO"})
_TEXT_WORD: Final = re.compile(r"[A-Z0-9]+")

_PELVIS: Final = re.compile(r"\b(PELVI|RECT|PROSTAT|BLADDER|UTER|CERVIX|ANUS|ANAL|BECKEN)|PELVIS")
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
        (INVERSION, _inversion_times(frames)),
        (DARK_FAT, _coded(frames, DARK_FAT, lambda frame: image_type(frame)[2:])),
        (NOT_MAGNITUDE, _coded(frames, NOT_MAGNITUDE, _components)),
        (IN_PHASE, _coded(frames, IN_PHASE, lambda frame: image_type(frame)[2:])),
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
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if word == "FAT" and after.startswith(("SAT", "SUP")):
            word = "FATSAT"
        if word in DESCRIBED.words and before not in _DENIED_BY:
            found.add(word)
    return tuple(sorted(found))


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
    return (*image_type(frame)[2:4], *frame.words("ComplexImageComponent"))


def _inversion_times(frames: Sequence[Frame]) -> str:
    keywords = ("InversionTime", "InversionTimes")
    times = {time for frame in frames for keyword in keywords for time in frame.numbers(keyword) if time > 0}
    return ", ".join(f"{time:g} ms" for time in sorted(times)[:4])


def _other_parts(frames: Sequence[Frame]) -> str:
    parts = {part for frame in frames for part in frame.words("BodyPartExamined") if part}
    other = sorted(shown_word(part) for part in parts if not is_pelvis(part) and not _ABDOMEN.search(part))
    return f"the body part is {', '.join(dict.fromkeys(other))}" if other else ""


def _described(frames: Sequence[Frame]) -> str:
    texts = {frame.text(name) for frame in frames for name in ("SeriesDescription", "ProtocolName")}
    words = sorted({word for text in texts for word in described_as(text)})
    return f"the description says {', '.join(words)}" if words else ""
