"""Reporting checklists, their items in our own words, filled as far as the data say.

Item numbers are those of the published lists. STARD-AI 2025: Sounderajah et al., Nat Med 2025;31:3283-3289, Table 2, 40
items, which numbers anew what STARD 2015 (Bossuyt et al., BMJ 2015;351:h5527) has in 30. CLAIM 2024: Tejani et al.,
Radiol Artif Intell 2024;6:e240300, 44 items. REMARK: McShane et al., J Natl Cancer Inst 2005;97:1180-1184, 20 items, as
explained by Altman et al., PLoS Med 2012;9:e1001216. TRIPOD+AI: Collins et al., BMJ 2024;385:e078378, 27 items.
STROBE for cohorts: von Elm et al., Lancet 2007;370:1453-1457, 22 items. Neighbours that the data never answer share a
row.
"""

from collections.abc import Callable
from typing import Final

from analytics.report.blocks import Section, Table, Text
from analytics.study.data import StudyData

NOT_IN_DATA: Final = "not in the data"

Answer = Callable[[StudyData], str | None]


def checklists_section(data: StudyData, titles: dict[str, str]) -> Section:
    """Return the five checklists; `titles` are those of the sections that the report has, by key."""
    tables = []
    for name, items in (
        ("STARD-AI", STARD_AI),
        ("CLAIM 2024", CLAIM),
        ("REMARK", REMARK),
        ("TRIPOD+AI", TRIPOD_AI),
        ("STROBE", STROBE),
    ):
        rows = tuple((number, item, _answer(data, titles, source)) for number, item, source in items)
        filled = sum(answer != NOT_IN_DATA for _, _, answer in rows)
        note = f"The data answer {filled} of {len(rows)} rows; the others are the authors' to answer."
        tables.append(
            Table(
                f"checklist-{name.lower().replace(' ', '-').replace('+', '-')}",
                name,
                ("Item", "What is asked", "Answer"),
                rows,
                note,
            )
        )
    words = "Items are in words of this tool; the published checklists are what a journal asks for."
    return Section("checklists", "Reporting checklists", (Text(words), *tables))


def _answer(data: StudyData, titles: dict[str, str], source: "str | Answer | None") -> str:
    """Return what the data say: the section that shows it, or words made from the data."""
    if source is None:
        return NOT_IN_DATA
    if isinstance(source, str):
        return f"see {titles[source]}" if source in titles else NOT_IN_DATA
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


def _cutoff(data: StudyData) -> str:
    return f"short axis from {data.study.cutoff_mm:g} mm counts as large"


def _uninterpretable(data: StudyData) -> str:
    judged = [step for step in data.flow if not step.name.startswith("follow-up")]
    reasons = [f"{count:,} {reason} at {step.name}" for step in judged for reason, count in step.reasons]
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


def _whole_model(data: StudyData) -> str | None:
    """Return where a model of all candidates stands; one of those that were chosen by p-value is none."""
    analysis = data.study.analysis
    whole = analysis.candidates and set(analysis.candidates) <= set(analysis.always)
    return "every candidate is in the multivariable Cox model" if whole else None


def _simulated(data: StudyData) -> str | None:
    return "simulated data, no real patients" if data.study.simulated else None


def _problems_found(data: StudyData) -> str:
    return f"{len(data.problems):,} problems in the tables, listed with what became of each"


Items = tuple[tuple[str, str, "str | Answer | None"], ...]

STARD_AI: Final[Items] = (
    ("1-2", "Title and abstract: accuracy of an AI test, with a measure of it; structured", None),
    ("3-4", "Background, use of the test and its place in the workflow; aims", None),
    ("5", "Whether data were collected before or after the tests", None),
    ("6", "Ethics", None),
    ("7-10", "Participants: criteria in their order for people and data, how, where and when found, series", None),
    ("11", "Where the data come from and what for they were collected", _simulated),
    ("12-14", "Annotation, devices and software, acquisition and preparation of the data", None),
    ("15a-15b", "The AI test and how it was developed", None),
    ("15c", "Cut-offs of the AI test, set before or after seeing the data", _cutoff),
    ("15d", "Who is to use the AI test", None),
    ("16a", "The reference standard, so that it can be repeated", _reference),
    ("16b-16c", "Why this reference standard; its cut-offs", None),
    ("17a-17b", "Who knew what when judging", None),
    ("18", "How accuracy was estimated and compared", "accuracy"),
    ("19", "What became of judgements that are neither positive nor negative", _uninterpretable),
    ("20", "What became of missing data", _missing),
    ("21", "How accuracy varies", "subgroups"),
    ("22", "Intended number of participants and how it was found", None),
    ("23", "Analysis of errors, bias of the algorithm and fairness", "subgroups"),
    ("24", "Flow of participants", _flow),
    ("25", "Baseline characteristics, for each part of the data", "table-one"),
    ("26a-26b", "Severity of the disease; other diagnoses of those without it", None),
    ("27", "Time and treatment between test and reference", None),
    ("28-29", "How far the data are those of the intended use; how external data differ", None),
    ("30", "Test results against the reference as a table", "accuracy"),
    ("31", "Accuracy with its precision", "accuracy"),
    ("32", "Harm from test or reference", None),
    ("33-35", "Limits, implications for practice, ethics and fairness", None),
    ("36-39", "Registration, protocol, funding, commercial interests", None),
    ("40a-40b", "Access to data and code; whether results are kept for audit", None),
)

CLAIM: Final[Items] = (
    ("1-2", "Title and abstract: the kind of AI; structured", None),
    ("3-4", "Background, use and role of the AI; aims", None),
    ("5-6", "Prospective or retrospective; goal of the study", None),
    ("7", "Sources of the data", _simulated),
    ("8", "Who was included and excluded", None),
    ("9-11", "Preparation of the data, choice of parts of them, de-identification", None),
    ("12", "How missing data were handled", _missing),
    ("13", "How images were acquired", None),
    ("14", "Reference standard, so that it can be repeated", _reference),
    ("15-17", "Why this reference standard; who annotated, how the test set was annotated", None),
    ("18", "Variation between and within readers, and how it was settled", "agreement"),
    ("19-20", "How data were assigned to training and testing, and at which level they are apart", None),
    ("21", "Intended size of the test set", None),
    ("22-24", "Model, software, initialisation", None),
    ("25-27", "Training, selection of the model, ensembling", None),
    ("28", "Measures of performance", "accuracy"),
    ("29", "Measures of uncertainty, tests", "accuracy"),
    ("30-31", "Robustness; explainability", None),
    ("32-33", "Tests on internal and on external data", None),
    ("34", "Registration of a trial", None),
    ("35", "Who was included and excluded, in numbers", _flow),
    ("36", "Demographic and clinical characteristics", "table-one"),
    ("37", "Performance against the reference, in all parts of the data", "accuracy"),
    ("38", "Diagnostic accuracy with its precision", "accuracy"),
    ("39", "Analysis of wrong results", "ratings"),
    ("40-41", "Limits, implications", None),
    ("42-44", "Protocol, access to software and data, funding", None),
)

REMARK: Final[Items] = (
    ("1", "Marker, aims and hypotheses", None),
    ("2", "Patients: characteristics, source, inclusion, exclusion", _sample),
    ("3", "Treatments", None),
    ("4-5", "Material, and how the marker was measured", None),
    ("6", "Selection of cases, period and median of follow-up", "survival"),
    ("7", "Endpoints", _endpoints),
    ("8", "Candidate variables", _candidates),
    ("9", "Rationale of the sample size", None),
    ("10", "Statistical methods, selection of variables, assumptions, missing data", _missing),
    ("11", "Handling of marker values, cut-offs", _cutoff),
    ("12", "Flow of patients, with numbers of events", _flow),
    ("13", "Basic characteristics with missing values", "table-one"),
    ("14", "Marker against standard variables", "table-one"),
    ("15", "Marker alone and the outcome, with curves", "survival"),
    ("16", "Main multivariable results of the marker with intervals", "cox"),
    ("17", "Marker with all standard variables in one model, significant or not", _whole_model),
    ("18", "Checks of assumptions, sensitivity, internal validation", "performance"),
    ("19-20", "Interpretation, limits, implications", None),
)

TRIPOD_AI: Final[Items] = (
    ("1-2", "Title; structured abstract", None),
    ("3a-3c", "Context, place of the model in care, known inequalities", None),
    ("4", "Aims: development, evaluation, or both", None),
    ("5a-5b", "Sources of the data; dates of accrual and of the end of follow-up", _simulated),
    ("6a-6c", "Setting and centres; who is eligible; treatments", None),
    ("7", "Preparation and checks of the data", _problems_found),
    ("8a-8c", "Outcome: what, when and by whom it was judged; blinding", _endpoints),
    ("9a-9c", "Predictors: choice, definition, timing; blinding", _candidates),
    ("10", "How the sample size was found", None),
    ("11", "How missing data were handled", _missing),
    (
        "12a-12g",
        "Methods: use of data, predictors, model, heterogeneity, measures of performance, updating, presentation",
        "performance",
    ),
    ("13-15", "Class imbalance, fairness, what the model gives out", None),
    ("16", "Differences between data of development and of evaluation", None),
    ("17", "Ethics", None),
    ("18a-18f", "Funding, conflicts, protocol, registration, sharing of data and code", None),
    ("19", "Involvement of patients and the public", None),
    ("20a", "Flow of participants, with and without the outcome, and follow-up", _flow),
    ("20b", "Characteristics, in all and by centre, with missing data", "table-one"),
    ("20c", "Predictors in the data of development against those of evaluation", None),
    ("21", "Participants and events of each analysis", "cox"),
    ("22", "The full model", "cox"),
    ("23a", "Performance with intervals, also by subgroups", "performance"),
    ("23b", "Heterogeneity between centres", "subgroups"),
    ("24", "Updating of the model", None),
    ("25-27", "Interpretation, limits, use in practice, further research", None),
)

STROBE: Final[Items] = (
    ("1a-1b", "Design in the title; balanced abstract", None),
    ("2-3", "Background, aims", None),
    ("4-5", "Design; setting, places, dates of recruitment and follow-up", None),
    ("6a-6b", "Who was eligible, how found and followed; matching", None),
    ("7", "Outcomes, exposures, predictors, confounders, effect modifiers", _candidates),
    ("8", "Sources of data and measurement of each variable", None),
    ("9-10", "Bias; how the size of the study came about", None),
    ("11", "How quantitative variables were handled, groupings", _cutoff),
    ("12a-12b", "Statistical methods, confounding, subgroups and interactions", "cox"),
    ("12c", "How missing data were handled", _missing),
    ("12d-12e", "Loss to follow-up; sensitivity analyses", None),
    ("13a-13c", "Participants at each stage, why they left, flow diagram", _flow),
    ("14a-14b", "Characteristics; missing data of each variable", "table-one"),
    ("14c", "Follow-up: average and total", "survival"),
    ("15", "Outcome events or summaries over time", "survival"),
    ("16a", "Unadjusted and adjusted estimates with intervals; which confounders", "cox"),
    ("16b-16c", "Boundaries of categories; absolute risk", "survival"),
    ("17", "Other analyses: subgroups, interactions, sensitivity", "subgroups"),
    ("18-21", "Key results, limits, interpretation, generalisability", None),
    ("22", "Funding", None),
)
