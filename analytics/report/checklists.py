"""Reporting checklists, their items in our own words, filled as far as the data say.

STARD-AI: Sounderajah et al., Nat Med 2025; CLAIM 2024: Tejani et al., Radiol Artif Intell 2024;6:e240300;
REMARK: McShane et al., J Natl Cancer Inst 2005;97:1180. Numbers are those of CLAIM and REMARK; of STARD-AI those of
STARD 2015 (Bossuyt et al., BMJ 2015;351:h5527), which it extends.
"""

from collections.abc import Callable
from typing import Final

from analytics.report.blocks import Section, Table, Text
from analytics.study.data import StudyData

NOT_IN_DATA: Final = "not in the data"

Answer = Callable[[StudyData], str | None]


def checklists_section(data: StudyData, keys: frozenset[str]) -> Section:
    """Return the three checklists; `keys` are those of the sections that the report has."""
    tables = []
    for name, items in (("STARD-AI", STARD_AI), ("CLAIM 2024", CLAIM), ("REMARK", REMARK)):
        rows = tuple((number, item, _answer(data, keys, source)) for number, item, source in items)
        filled = sum(answer != NOT_IN_DATA for _, _, answer in rows)
        note = f"{filled} of {len(rows)} items are answered by the data; the others are the authors' to answer."
        tables.append(
            Table(f"checklist-{name.lower().replace(' ', '-')}", name, ("Item", "What is asked", "Answer"), rows, note)
        )
    words = "Items are in words of this tool; the published checklists are what a journal asks for."
    return Section("checklists", "Reporting checklists", (Text(words), *tables))


def _answer(data: StudyData, keys: frozenset[str], source: "str | Answer | None") -> str:
    """Return what the data say: the section that shows it, or words made from the data."""
    if source is None:
        return NOT_IN_DATA
    if isinstance(source, str):
        return f"see {source}" if source in keys else NOT_IN_DATA
    return source(data) or NOT_IN_DATA


def _flow(data: StudyData) -> str:
    return "; ".join(f"{step.after:,} after {step.name}" for step in data.flow)


def _missing(data: StudyData) -> str:
    cells = sum(each.missing for each in data.missing)
    columns = sum(each.missing > 0 for each in data.missing)
    return f"{cells:,} values missing in {columns} columns, counted; models use complete cases"


def _reference(data: StudyData) -> str | None:
    names = [rater.name for rater in data.study.raters_of("reference")]
    return f"{names[0]}; how it was made is the authors' to say" if names else None


def _readers(data: StudyData) -> str | None:
    names = [rater.name for rater in data.study.raters_of("reader")]
    return f"{len(names)} readers: {', '.join(names)}" if names else None


def _cutoff(data: StudyData) -> str:
    return f"short axis from {data.study.cutoff_mm:g} mm counts as large"


def _uninterpretable(data: StudyData) -> str:
    reasons = [f"{count:,} {reason} at {step.name}" for step in data.flow for reason, count in step.reasons]
    return "; ".join(reasons) or "none"


def _sample(data: StudyData) -> str:
    return f"{len(data.patients):,} patients"


def _endpoints(data: StudyData) -> str | None:
    if data.study.follow_up is None:
        return None
    return "; ".join(f"{each.label} ({each.name})" for each in data.study.follow_up.endpoints)


def _candidates(data: StudyData) -> str | None:
    analysis = data.study.analysis
    if not analysis.candidates:
        return None
    always = ", ".join(analysis.always) or "none"
    return f"{', '.join(analysis.candidates)}; entry at p < {analysis.entry_p:g}, always: {always}"


def _covariates(data: StudyData) -> str | None:
    return ", ".join(each.label for each in data.study.covariates) or None


def _simulated(data: StudyData) -> str | None:
    return "simulated data, no real patients" if data.study.simulated else None


Items = tuple[tuple[str, str, "str | Answer | None"], ...]

STARD_AI: Final[Items] = (
    ("1-2", "Title and abstract name a study of diagnostic accuracy of an AI test", None),
    ("3-4", "Background, intended use of the AI test, aims", None),
    ("5", "Prospective or retrospective", None),
    ("6-9", "Who was eligible, how found, where and when, consecutive or not", _simulated),
    ("10a", "The AI test: version, input, how it was applied", None),
    ("10b", "The reference standard, so that it can be repeated", _reference),
    ("12", "Cut-offs of test and reference, chosen before or after seeing the data", _cutoff),
    ("13", "Who knew what when judging", None),
    ("14", "How accuracy was estimated and compared", "accuracy"),
    ("15", "What became of judgements that are neither positive nor negative", _uninterpretable),
    ("16", "What became of missing data", _missing),
    ("17", "Variation of accuracy, subgroups", "subgroups"),
    ("18", "Intended number of patients and how it was found", None),
    ("19", "Flow of participants", _flow),
    ("20", "Baseline characteristics", "table-one"),
    ("22", "Time between test and reference", None),
    ("23", "Test results against the reference as a table", "accuracy"),
    ("24", "Accuracy with intervals", "accuracy"),
    ("25", "Harm from test or reference", None),
    ("AI", "Data for training and testing are of different patients", None),
    ("AI", "Performance beside clinicians", _readers),
    ("AI", "Calibration and use of the test's score", "accuracy"),
    ("AI", "Fairness: performance by group of patients", "subgroups"),
    ("26-27", "Limits and implications", None),
    ("28-30", "Registration, protocol, funding, access to code and data", None),
)

CLAIM: Final[Items] = (
    ("1-2", "Title and abstract name the AI method and structure", None),
    ("3-4", "Background, aims and hypotheses", None),
    ("5-6", "Design and aim of the study", None),
    ("7-8", "Data sources and criteria of inclusion", _simulated),
    ("9-11", "Preparation of the data, selection, de-identification", None),
    ("12", "Definition of the data elements", _covariates),
    ("13", "How missing data were handled", _missing),
    ("14-15", "Reference standard and why it was chosen", _reference),
    ("16-17", "Who annotated, with what", None),
    ("18", "Variation between and within readers", "agreement"),
    ("19-21", "How data were assigned to training and testing, and at which level they are apart", None),
    ("22-27", "Model, software, initialisation, training, selection, ensembling", None),
    ("28", "Measures of performance", "accuracy"),
    ("29", "Measures of uncertainty", "accuracy"),
    ("30", "Robustness and sensitivity", None),
    ("31-32", "Explainability; test on internal data", None),
    ("33", "Test on external data", None),
    ("34", "Registration of the trial", None),
    ("35", "Flow of participants", _flow),
    ("36", "Demographic and clinical characteristics", "table-one"),
    ("37", "Performance on all partitions", "accuracy"),
    ("38", "Estimates with precision", "accuracy"),
    ("39", "Analysis of failures", None),
    ("40-44", "Limits, implications, protocol, code, funding", None),
)

REMARK: Final[Items] = (
    ("1", "Marker, aims and hypotheses", None),
    ("2", "Patients: source, inclusion, exclusion", _sample),
    ("3", "Treatments", None),
    ("4-5", "Material and how the marker was measured", None),
    ("6", "Design, period of follow-up", "survival"),
    ("7", "Endpoints", _endpoints),
    ("8", "Candidate variables", _candidates),
    ("9", "Rationale of the sample size", None),
    ("10", "Statistical methods, selection of variables, missing data", _missing),
    ("11", "Handling of marker values, cut-offs", _cutoff),
    ("12", "Flow of patients and events", _flow),
    ("13", "Basic characteristics and missing values", "table-one"),
    ("14", "Marker against standard variables", "table-one"),
    ("15", "Univariable results with curves", "survival"),
    ("16", "Multivariable results of the marker with intervals", "cox"),
    ("17", "Estimates of a model with all standard variables", "cox"),
    ("18", "Checks of assumptions and further analyses", "cox"),
    ("19-20", "Interpretation, limits, implications", None),
)
