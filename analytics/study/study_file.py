"""A study file (YAML) into a `Study`; every refusal names the line and the field."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, cast, get_args

from sidewall.vocabulary import STUDY_ORDER

from analytics.study import spec
from analytics.study.analysis_file import check_analysis_names, read_analysis
from analytics.study.csv_rows import SEPARATORS
from analytics.study.encodings import ENCODINGS
from analytics.study.fields import items_of, number, optional, pairs, positive, whole, words
from analytics.table_one.choice import CategoricalTest, Choice, ContinuousTest, Summary
from analytics.yaml_tree import Entry, load_yaml

MISSING: Final = ("NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", ".")
REGIONS: Final[tuple[tuple[str, str], ...]] = tuple((each.name, each.words) for each in STUDY_ORDER)
"""The words of findings.json and those of running text."""

_BEYOND_LIMIT: Final = ("limit", "half", "missing")
_TESTS: Final = {"number": ContinuousTest, "category": CategoricalTest}
_MOST_DIGITS: Final = 6
_WIDTHS_MM: Final = (80, 300)
_RESERVED: Final = ("time", "event", "region", "short_axis", "all")
"""Names that the analyses give to columns of their own."""

_TABLE_KEYS: Final = ("sheet", "separator", "encoding", "decimal", "where")


def load_study(path: Path) -> spec.Study:
    """Return what a study file says; its paths are relative to its folder.

    Raises `InputUnreadable` when it cannot be read, `FileInvalid` for the first place that holds what is not allowed.
    """
    return read_study(load_yaml(path), path.parent)


def read_study(root: Entry, folder: Path) -> spec.Study:
    """Return the study of a YAML tree; raises `FileInvalid` as `load_study` does."""
    fields = root.fields(
        ("title", "simulated", "patients", "raters"),
        (
            "covariates",
            "regions",
            "cutoff_mm",
            "follow_up",
            "label_maps",
            "analysis",
            "figures",
            "missing",
            "date_format",
            "language",
        ),
    )
    covariates = tuple(map(_covariate, items_of(fields, "covariates")))
    raters = tuple(_rater(item, folder) for item in fields["raters"].items())
    patients = fields["patients"].fields(("table", "id"), _TABLE_KEYS)
    study = spec.Study(
        title=fields["title"].text(),
        simulated=fields["simulated"].flag(),
        patients=_table(patients, folder),
        covariates=covariates,
        raters=raters,
        regions=pairs(fields["regions"]) if "regions" in fields else REGIONS,
        cutoff_mm=optional(fields, "cutoff_mm", positive, 7.0),
        follow_up=_follow_up(fields["follow_up"], folder) if "follow_up" in fields else None,
        label_maps=_label_maps(fields["label_maps"], folder) if "label_maps" in fields else None,
        analysis=read_analysis(fields["analysis"], raters, covariates) if "analysis" in fields else spec.Analysis(),
        figures=optional(fields, "figures", _figures, spec.FigureLook()),
        missing=words(fields["missing"]) if "missing" in fields else MISSING,
        date_format=optional(fields, "date_format", Entry.text, None),
        language=optional(fields, "language", _language, "en"),
    )
    _check_names(fields, study)
    return study


def _language(entry: Entry) -> spec.Language:
    return cast(spec.Language, entry.choice(get_args(spec.Language)))


def _figures(entry: Entry) -> spec.FigureLook:
    fields = entry.fields((), ("palette", "width_mm"))
    width_mm = optional(fields, "width_mm", number, None)
    if width_mm is not None and not _WIDTHS_MM[0] <= width_mm <= _WIDTHS_MM[1]:
        raise fields["width_mm"].refuse(f"{_WIDTHS_MM[0]} to {_WIDTHS_MM[1]} mm, such as 85 for a column")
    palette = fields["palette"].choice(get_args(spec.Palette)) if "palette" in fields else "colour"
    return spec.FigureLook(cast(Any, palette), width_mm)


def _check_names(fields: Mapping[str, Entry], study: spec.Study) -> None:
    """Refuse names given twice, roles that are missing, and strata or candidates that nothing is called."""
    names = [rater.name for rater in study.raters] + [covariate.name for covariate in study.covariates]
    for name in names:
        if names.count(name) > 1:
            raise fields["raters"].refuse("raters and covariates with different names", f"twice {name!r}")
        if name in _RESERVED:
            raise fields["raters"].refuse(f"other names than {', '.join(_RESERVED)}", f"{name!r} as a name")
    for role, most in (("reference", 1), ("model", 1)):
        if len(study.raters_of(role)) > most:
            raise fields["raters"].refuse(f"at most {most} {role}", f"{len(study.raters_of(role))} with role {role}")
    if "analysis" in fields:
        check_analysis_names(fields["analysis"], study)


def _table(fields: Mapping[str, Entry], folder: Path, column: str = "id") -> spec.TableSource:
    where = fields["where"].mapping() if "where" in fields else {}
    return spec.TableSource(
        path=folder / fields["table"].text(),
        id_column=fields[column].text(),
        sheet=optional(fields, "sheet", Entry.text, None),
        separator=optional(fields, "separator", _separator, None),
        encoding=fields["encoding"].choice(ENCODINGS) if "encoding" in fields else None,
        decimal=cast(Any, fields["decimal"].choice(("point", "comma"))) if "decimal" in fields else None,
        where=tuple((name, entry.text()) for name, entry in where.items()),
    )


def _separator(entry: Entry) -> str:
    characters = {word: sign for sign, word in SEPARATORS.items()}
    return characters[entry.choice(tuple(characters))]


def _covariate(item: Entry) -> spec.Covariate:
    fields = item.fields(
        ("name", "kind"),
        (
            "column",
            "label",
            "unit",
            "low",
            "high",
            "levels",
            "reference",
            "known_from",
            "beyond_limit",
            "per",
            "digits",
            "summary",
            "test",
        ),
    )
    kind = fields["kind"].choice(("number", "category"))
    if (kind == "category") != ("levels" in fields):
        raise item.refuse("levels for a category, and for nothing else")
    for key in ("per", "summary"):
        if kind == "category" and key in fields:
            raise fields[key].refuse(f"no {key} for a category")
    covariate = spec.Covariate(
        name=fields["name"].text(),
        column=optional(fields, "column", Entry.text, fields["name"].text()),
        label=optional(fields, "label", Entry.text, fields["name"].text()),
        kind=cast(Any, kind),
        unit=optional(fields, "unit", Entry.text, None),
        low=optional(fields, "low", number, None),
        high=optional(fields, "high", number, None),
        levels=pairs(fields["levels"]) if "levels" in fields else (),
        reference=optional(fields, "reference", Entry.text, None),
        known_from=optional(fields, "known_from", positive, 0.0),
        beyond_limit=cast(Any, fields["beyond_limit"].choice(_BEYOND_LIMIT)) if "beyond_limit" in fields else None,
        per=optional(fields, "per", positive, 1.0),
        digits=optional(fields, "digits", _digits, None),
        choice=Choice(
            cast(Any, fields["summary"].choice(get_args(Summary))) if "summary" in fields else None,
            cast(Any, fields["test"].choice(get_args(_TESTS[kind]))) if "test" in fields else None,
        ),
    )
    if covariate.beyond_limit is not None and kind == "category":
        raise fields["beyond_limit"].refuse("no beyond_limit for a category")
    if covariate.reference is not None and covariate.reference not in covariate.meanings:
        raise fields["reference"].refuse(", ".join(covariate.meanings) or "no reference for a number")
    return covariate


_count: Final = partial(whole, least=1)
_digits: Final = partial(whole, least=0, most=_MOST_DIGITS)


def _rater(item: Entry, folder: Path) -> spec.Rater:
    columns = ("status", "region", "short_axis_mm", "probability")
    fields = item.fields(("name", "role"), ("table", "id", *_TABLE_KEYS, "findings", "pseudonyms", "nodes", *columns))
    if ("table" in fields) == ("findings" in fields):
        raise item.refuse("either a table or a folder of findings", "both or neither")
    common: dict[str, Any] = {
        "name": fields["name"].text(),
        "role": fields["role"].choice(("reference", "model", "reader")),
    }
    if "findings" in fields:
        status = _status(fields["status"], with_column=False) if "status" in fields else (None, _FINDINGS_WORDS)
        if "pseudonyms" in fields:
            names = fields["pseudonyms"].fields(("table", "id", "case"), ("sheet", "separator", "encoding"))
            common |= {"pseudonyms": _table(names, folder), "case_column": names["case"].text()}
        if "nodes" in fields:
            raise fields["nodes"].refuse("no table of nodes beside findings, which hold them", "a table")
        return spec.Rater(**common, findings=folder / fields["findings"].text(), status=status[1])
    if "id" not in fields:
        raise item.refuse("a table with its id column", "without id")
    if not any(name in fields for name in columns):
        raise item.refuse(f"at least one of {', '.join(columns)}", "a table without judgements")
    column, meanings = _status(fields["status"], with_column=True) if "status" in fields else (None, spec.StatusWords())
    return spec.Rater(
        **common,
        table=_table(fields, folder),
        status_column=column,
        status=meanings,
        region_column=optional(fields, "region", Entry.text, None),
        short_axis_column=optional(fields, "short_axis_mm", Entry.text, None),
        probability_column=optional(fields, "probability", Entry.text, None),
        nodes=_node_table(fields["nodes"], folder) if "nodes" in fields else None,
    )


def _node_table(entry: Entry, folder: Path) -> spec.NodeTable:
    fields = entry.fields(
        ("table", "id", "side", "station", "status"), (*_TABLE_KEYS, "short_axis_mm", "probability", "centre_lps_mm")
    )
    column, meanings = _status(fields["status"], with_column=True)
    centre = tuple(item.text() for item in items_of(fields, "centre_lps_mm"))
    if centre and len(centre) != 3:
        raise fields["centre_lps_mm"].refuse("three columns, of x, y and z", f"{len(centre)}")
    return spec.NodeTable(
        table=_table(fields, folder),
        side_column=fields["side"].text(),
        station_column=fields["station"].text(),
        status_column=str(column),
        status=meanings,
        short_axis_column=optional(fields, "short_axis_mm", Entry.text, None),
        probability_column=optional(fields, "probability", Entry.text, None),
        centre_columns=centre,
    )


_FINDINGS_WORDS: Final = spec.StatusWords(
    ("positive",), ("negative",), ("borderline", "indeterminate", "refused", "demonstration")
)
"""The case statuses of findings.json."""


def _status(entry: Entry, *, with_column: bool) -> tuple[str | None, spec.StatusWords]:
    fields = entry.fields(("column",) if with_column else (), ("positive", "negative", "uninterpretable"))
    default = spec.StatusWords() if with_column else _FINDINGS_WORDS
    given = {name: words(fields[name]) for name in ("positive", "negative") if name in fields}
    taken = {word for each in given.values() for word in each}
    rest = tuple(word for word in default.uninterpretable if word not in taken)
    uninterpretable = words(fields["uninterpretable"]) if "uninterpretable" in fields else rest
    status = spec.StatusWords(
        given.get("positive", default.positive), given.get("negative", default.negative), uninterpretable
    )
    every = [*status.positive, *status.negative, *status.uninterpretable]
    if len(set(every)) < len(every):
        raise entry.refuse("each value with one meaning", "the same value twice")
    return (fields["column"].text() if with_column else None), status


def _follow_up(entry: Entry, folder: Path) -> spec.FollowUp:
    fields = entry.fields(
        ("table", "id", "unit", "endpoints"),
        (*_TABLE_KEYS, "start", "times", "longest_years", "shown_in", "least_at_risk"),
    )
    units = tuple(spec.UNIT_DAYS)
    table_unit = fields["unit"].choice(units)
    follow_up = spec.FollowUp(
        table=_table(fields, folder),
        table_unit=cast(Any, table_unit),
        unit=cast(Any, fields["shown_in"].choice(units) if "shown_in" in fields else table_unit),
        start_column=optional(fields, "start", Entry.text, None),
        endpoints=tuple(map(_endpoint, fields["endpoints"].items())),
        times=tuple(sorted(positive(item) for item in items_of(fields, "times"))),
        longest_years=optional(fields, "longest_years", positive, 40.0),
        least_at_risk=optional(fields, "least_at_risk", _count, 1),
    )
    names = [each.name for each in follow_up.endpoints]
    if len(set(names)) < len(names):
        raise fields["endpoints"].refuse("endpoints with different names", f"{', '.join(names)}")
    if follow_up.start_column is None and any(each.date_column for each in follow_up.endpoints):
        raise entry.refuse("the column of the start where endpoints are dates", "without start")
    return follow_up


def _endpoint(item: Entry) -> spec.Endpoint:
    fields = item.fields(
        ("name", "event", "event_values", "censored_values"), ("label", "time", "date", "competing_values")
    )
    if ("time" in fields) == ("date" in fields):
        raise item.refuse("either time or date", "both or neither")
    codes = [
        word
        for key in ("event_values", "censored_values", "competing_values")
        if key in fields
        for word in words(fields[key])
    ]
    if len(set(codes)) < len(codes):
        raise item.refuse("each value of the event column with one meaning", f"{', '.join(codes)}")
    return spec.Endpoint(
        name=fields["name"].text(),
        label=optional(fields, "label", Entry.text, fields["name"].text()),
        event_column=fields["event"].text(),
        event=words(fields["event_values"]),
        censored=words(fields["censored_values"]),
        competing=words(fields["competing_values"]) if "competing_values" in fields else (),
        time_column=optional(fields, "time", Entry.text, None),
        date_column=optional(fields, "date", Entry.text, None),
    )


def _label_maps(entry: Entry, folder: Path) -> spec.LabelMaps:
    fields = entry.fields(("reference", "model", "labels"))
    labels = []
    for value, name in fields["labels"].mapping().items():
        if not value.isdigit() or int(value) == 0:
            raise name.refuse("whole label values from 1", f"the value {value!r}")
        labels.append((int(value), name.text()))
    return spec.LabelMaps(folder / fields["reference"].text(), folder / fields["model"].text(), tuple(labels))
