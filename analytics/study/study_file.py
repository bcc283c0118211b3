"""A study file (YAML) into a `Study`; every refusal names the line and the field."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from analytics.errors import near_miss
from analytics.study import spec
from analytics.yaml_tree import Entry, load_yaml

_T = TypeVar("_T")
MISSING: Final = ("NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", ".")
REGIONS: Final = (
    ("internal_iliac", "internal iliac"),
    ("obturator", "obturator"),
    ("external_iliac", "external iliac"),
)
"""The words of findings.json; II, OB and EI are the paper's."""

_RESERVED: Final = ("time", "event", "region", "short_axis", "all")
"""Names that the analyses give to columns of their own."""

_TABLE_KEYS: Final = ("sheet", "separator", "where")


def load_study(path: Path) -> spec.Study:
    """Return what a study file says; its paths are relative to its folder.

    Raises `InputUnreadable` when it cannot be read, `FileInvalid` for the first place that holds what is not allowed.
    """
    return read_study(load_yaml(path), path.parent)


def read_study(root: Entry, folder: Path) -> spec.Study:
    """Return the study of a YAML tree; raises `FileInvalid` as `load_study` does."""
    fields = root.fields(
        ("title", "simulated", "patients", "raters"),
        ("covariates", "regions", "cutoff_mm", "follow_up", "label_maps", "analysis", "missing", "date_format"),
    )
    patients = fields["patients"].fields(("table", "id"), _TABLE_KEYS)
    study = spec.Study(
        title=fields["title"].text(),
        simulated=fields["simulated"].flag(),
        patients=_table(patients, folder),
        covariates=tuple(map(_covariate, _items(fields, "covariates"))),
        raters=tuple(_rater(item, folder) for item in fields["raters"].items()),
        regions=_pairs(fields["regions"]) if "regions" in fields else REGIONS,
        cutoff_mm=_optional(fields, "cutoff_mm", _positive, 7.0),
        follow_up=_follow_up(fields["follow_up"], folder) if "follow_up" in fields else None,
        label_maps=_label_maps(fields["label_maps"], folder) if "label_maps" in fields else None,
        analysis=_analysis(fields["analysis"]) if "analysis" in fields else spec.Analysis(),
        missing=_words(fields["missing"]) if "missing" in fields else MISSING,
        date_format=_optional(fields, "date_format", Entry.text, "%Y-%m-%d"),
    )
    _check_names(fields, study)
    return study


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
    if "analysis" not in fields:
        return
    analysis, categories = fields["analysis"].mapping(), {each.name for each in study.covariates if each.levels}
    known = {
        "strata": [*(rater.name for rater in study.raters), *sorted(categories), "region", "short_axis"],
        "candidates": [*names, "region", "short_axis"],
        "always": list(study.analysis.candidates),
    }
    for key, allowed in known.items():
        for item in _names(analysis, key):
            if item.text() not in allowed:
                raise item.refuse(f"{', '.join(allowed)}{near_miss(item.text(), allowed)}")


def _table(fields: Mapping[str, Entry], folder: Path, column: str = "id") -> spec.TableSource:
    where = fields["where"].mapping() if "where" in fields else {}
    return spec.TableSource(
        path=folder / fields["table"].text(),
        id_column=fields[column].text(),
        sheet=_optional(fields, "sheet", Entry.text, None),
        separator=_separator(fields["separator"]) if "separator" in fields else ",",
        where=tuple((name, entry.text()) for name, entry in where.items()),
    )


def _separator(entry: Entry) -> str:
    words = {"comma": ",", "semicolon": ";", "tab": "\t"}
    return words[entry.choice(tuple(words))]


def _covariate(item: Entry) -> spec.Covariate:
    fields = item.fields(("name", "kind"), ("column", "label", "unit", "low", "high", "levels", "reference"))
    kind = fields["kind"].choice(("number", "category"))
    if (kind == "category") != ("levels" in fields):
        raise item.refuse("levels for a category, and for nothing else")
    covariate = spec.Covariate(
        name=fields["name"].text(),
        column=_optional(fields, "column", Entry.text, fields["name"].text()),
        label=_optional(fields, "label", Entry.text, fields["name"].text()),
        kind=cast(Any, kind),
        unit=_optional(fields, "unit", Entry.text, None),
        low=_optional(fields, "low", _number, None),
        high=_optional(fields, "high", _number, None),
        levels=_pairs(fields["levels"]) if "levels" in fields else (),
        reference=_optional(fields, "reference", Entry.text, None),
    )
    if covariate.reference is not None and covariate.reference not in covariate.meanings:
        raise fields["reference"].refuse(", ".join(covariate.meanings) or "no reference for a number")
    return covariate


def _rater(item: Entry, folder: Path) -> spec.Rater:
    columns = ("status", "region", "short_axis_mm", "probability")
    fields = item.fields(("name", "role"), ("table", "id", *_TABLE_KEYS, "findings", "pseudonyms", *columns))
    if ("table" in fields) == ("findings" in fields):
        raise item.refuse("either a table or a folder of findings", "both or neither")
    common: dict[str, Any] = {
        "name": fields["name"].text(),
        "role": fields["role"].choice(("reference", "model", "reader")),
    }
    if "findings" in fields:
        status = _status(fields["status"], with_column=False) if "status" in fields else (None, _FINDINGS_WORDS)
        if "pseudonyms" in fields:
            names = fields["pseudonyms"].fields(("table", "id", "case"), ("sheet", "separator"))
            common |= {"pseudonyms": _table(names, folder), "case_column": names["case"].text()}
        return spec.Rater(**common, findings=folder / fields["findings"].text(), status=status[1])
    if "id" not in fields:
        raise item.refuse("a table with its id column", "without id")
    if not any(name in fields for name in columns):
        raise item.refuse(f"at least one of {', '.join(columns)}", "a table without judgements")
    column, words = _status(fields["status"], with_column=True) if "status" in fields else (None, spec.StatusWords())
    return spec.Rater(
        **common,
        table=_table(fields, folder),
        status_column=column,
        status=words,
        region_column=_optional(fields, "region", Entry.text, None),
        short_axis_column=_optional(fields, "short_axis_mm", Entry.text, None),
        probability_column=_optional(fields, "probability", Entry.text, None),
    )


_FINDINGS_WORDS: Final = spec.StatusWords(
    ("positive",), ("negative",), ("borderline", "indeterminate", "refused", "demonstration")
)
"""The case statuses of findings.json."""


def _status(entry: Entry, *, with_column: bool) -> tuple[str | None, spec.StatusWords]:
    fields = entry.fields(("column",) if with_column else (), ("positive", "negative", "uninterpretable"))
    default = spec.StatusWords() if with_column else _FINDINGS_WORDS
    words = {name: _words(fields[name]) for name in ("positive", "negative") if name in fields}
    taken = {word for given in words.values() for word in given}
    rest = tuple(word for word in default.uninterpretable if word not in taken)
    uninterpretable = _words(fields["uninterpretable"]) if "uninterpretable" in fields else rest
    status = spec.StatusWords(
        words.get("positive", default.positive), words.get("negative", default.negative), uninterpretable
    )
    every = [*status.positive, *status.negative, *status.uninterpretable]
    if len(set(every)) < len(every):
        raise entry.refuse("each value with one meaning", "the same value twice")
    return (fields["column"].text() if with_column else None), status


def _follow_up(entry: Entry, folder: Path) -> spec.FollowUp:
    fields = entry.fields(("table", "id", "unit", "endpoints"), (*_TABLE_KEYS, "start", "times"))
    follow_up = spec.FollowUp(
        table=_table(fields, folder),
        unit=cast(Any, fields["unit"].choice(tuple(spec.UNIT_DAYS))),
        start_column=_optional(fields, "start", Entry.text, None),
        endpoints=tuple(map(_endpoint, fields["endpoints"].items())),
        times=tuple(sorted(_positive(item) for item in _items(fields, "times"))),
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
        for word in _words(fields[key])
    ]
    if len(set(codes)) < len(codes):
        raise item.refuse("each value of the event column with one meaning", f"{', '.join(codes)}")
    return spec.Endpoint(
        name=fields["name"].text(),
        label=_optional(fields, "label", Entry.text, fields["name"].text()),
        event_column=fields["event"].text(),
        event=_words(fields["event_values"]),
        censored=_words(fields["censored_values"]),
        competing=_words(fields["competing_values"]) if "competing_values" in fields else (),
        time_column=_optional(fields, "time", Entry.text, None),
        date_column=_optional(fields, "date", Entry.text, None),
    )


def _label_maps(entry: Entry, folder: Path) -> spec.LabelMaps:
    fields = entry.fields(("reference", "model", "labels"))
    labels = []
    for value, name in fields["labels"].mapping().items():
        if not value.isdigit() or int(value) == 0:
            raise name.refuse("whole label values from 1", f"the value {value!r}")
        labels.append((int(value), name.text()))
    return spec.LabelMaps(folder / fields["reference"].text(), folder / fields["model"].text(), tuple(labels))


def _analysis(entry: Entry) -> spec.Analysis:
    fields = entry.fields((), ("strata", "candidates", "always", "entry_p"))
    entry_p = _optional(fields, "entry_p", _number, 0.10)
    if not 0.0 < entry_p <= 1.0:
        raise fields["entry_p"].refuse("above 0 and at most 1")
    candidates, always = (tuple(item.text() for item in _items(fields, key)) for key in ("candidates", "always"))
    return spec.Analysis(tuple(map(_stratum, _items(fields, "strata"))), candidates, always, entry_p)


def _stratum(item: Entry) -> spec.Stratum:
    """Return a stratum from one name, or from `by` (one or more names) and `within`."""
    if isinstance(item.value, str):
        return spec.Stratum((item.text(),))
    fields = item.fields(("by",), ("within",))
    by = _words(fields["by"])
    if not by or len(set(by)) < len(by):
        raise fields["by"].refuse("one or more different names")
    return spec.Stratum(by, _optional(fields, "within", Entry.text, None))


def _names(fields: Mapping[str, Entry], key: str) -> Iterator[Entry]:
    """Yield every name that a list of strata or candidates uses."""
    for item in _items(fields, key):
        if isinstance(item.value, str):
            yield item
            continue
        for entry in item.mapping().values():
            yield from entry.items() if isinstance(entry.value, tuple) else (entry,)


def _items(fields: Mapping[str, Entry], name: str) -> tuple[Entry, ...]:
    return fields[name].items() if name in fields else ()


def _optional(fields: Mapping[str, Entry], name: str, read: Callable[[Entry], _T], default: Any) -> Any:
    return read(fields[name]) if name in fields else default


def _pairs(entry: Entry) -> tuple[tuple[str, str], ...]:
    return tuple((value, meaning.text()) for value, meaning in entry.mapping().items())


def _words(entry: Entry) -> tuple[str, ...]:
    """Return one word, or the words of a list."""
    return (entry.text(),) if isinstance(entry.value, str) else tuple(item.text() for item in entry.items())


def _number(entry: Entry) -> float:
    def read(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise ValueError("a number") from None

    return entry.parsed(read)


def _positive(entry: Entry) -> float:
    number = _number(entry)
    if not 0.0 < number < float("inf"):
        raise entry.refuse("a number above 0")
    return number
