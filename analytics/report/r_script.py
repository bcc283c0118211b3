"""`analysis.R`: the analysis in R on the study's own tables, each number held against the report's.

The script needs nothing of this tool. It reads tables as the study file says, leaves out what the report leaves out,
computes by `survival` and `cmprsk`, and prints every number beside the report's with `agrees` or `DIFFERS`.
"""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import combinations
from os.path import relpath
from pathlib import Path

from analytics.estimate import Estimate, HypothesisTest
from analytics.report.blocks import Number, ReportDocument
from analytics.report.frame import analysis_frame, variable
from analytics.report.sections.panels import Panel, panels
from analytics.study.csv_rows import separator_of
from analytics.study.data import StudyData
from analytics.study.encodings import decoded, encoding_of
from analytics.study.spec import UNIT_DAYS, Covariate, Endpoint, Rater, TableSource
from analytics.study.words import status_meanings


def r_script(document: ReportDocument, data: StudyData, folder: Path) -> str:
    """Return the script; `folder` is the one that the script will lie in, from which it finds the tables."""
    numbers = {number.key: number for section in document.sections for number in section.numbers}
    script = _Script(numbers, data, folder)
    head = files("analytics.report").joinpath("analysis_head.R").read_text(encoding="utf-8")
    lines = [head, *script.tables(), *script.accuracy(), *script.agreement(), *script.survival(), "finish()"]
    return "\n".join(lines) + "\n"


class _Script:
    """Writes the lines of one study."""

    def __init__(self, numbers: dict[str, Number], data: StudyData, folder: Path) -> None:
        self._numbers, self._data, self._study, self._folder = numbers, data, data.study, folder

    def tables(self) -> Iterator[str]:
        """Yield what reads the patients, the raters' judgements and the follow-up into one table `d`."""
        study = self._study
        yield "\n# Patients and covariates"
        yield f"t <- own_rows({self._read(study.patients)}, {_text(study.patients.id_column)})"
        yield f"d <- data.frame(patient = t[[{_text(study.patients.id_column)}]])"
        for each in study.covariates:
            yield f"d[[{_text(each.name)}]] <- {_covariate(each)}"
        for rater in study.raters:
            yield from self._rater(rater)
        if study.follow_up is not None:
            source = study.follow_up.table
            yield "\n# Follow-up"
            yield f"t <- own_rows({self._read(source)}, {_text(source.id_column)})"
            for endpoint in study.follow_up.endpoints:
                yield from self._endpoint(endpoint)

    def accuracy(self) -> Iterator[str]:
        """Yield two-by-two tables of each rater against the reference."""
        references = self._study.raters_of("reference")
        for rater in self._study.raters:
            if references and rater.role != "reference" and self._has_status(rater) and self._has_status(references[0]):
                yield f"\n# {rater.name} against the reference"
                yield f"x <- two_by_two(d[[{_text(references[0].name)}]], d[[{_text(rater.name)}]])"
                for figure in ("accuracy", "sensitivity", "specificity", "ppv", "npv"):
                    yield from self._check(f"accuracy.{rater.name}.{figure}", f"x${figure}")

    def agreement(self) -> Iterator[str]:
        """Yield Cohen's kappa of every pair of raters."""
        raters = [rater.name for rater in self._study.raters if self._has_status(rater)]
        for first, second in combinations(raters, 2):
            key = f"agreement.{first}-{second}.kappa"
            yield from self._check(key, f"kappa_of(d[[{_text(first)}]], d[[{_text(second)}]])")

    def survival(self) -> Iterator[str]:
        """Yield each endpoint by each stratum, and its Cox and Fine-Gray models."""
        follow_up = self._study.follow_up
        if follow_up is None:
            return
        frame = analysis_frame(self._data)
        for endpoint in follow_up.endpoints:
            for panel in panels(self._data, frame, endpoint, follow_up.unit):
                yield from self._panel(panel, follow_up.times)
            yield from self._models(endpoint)

    def _read(self, source: TableSource) -> str:
        where = ", ".join(f"{_text(name)} = {_text(value)}" for name, value in source.where)
        path = _text(_relative(source.path, self._folder))
        suffix = source.path.suffix.lower()
        chosen = f", where = c({where})" if where else ""
        if suffix == ".csv":
            text = decoded(source.path, source.encoding)
            separator = source.separator or separator_of(text, source.id_column)
            encoding = source.encoding or encoding_of(source.path)
            return f"read_csv({path}, {_text(separator)}, {_text(encoding)}{chosen})"
        if suffix == ".xlsx":
            return f"read_xlsx({path}, {'1' if source.sheet is None else _text(source.sheet)}{chosen})"
        return f"read_parquet_file({path}{chosen})"

    def _rater(self, rater: Rater) -> Iterator[str]:
        yield f"\n# {rater.name}"
        words = _lookup(status_meanings(rater.status))
        name = _text(rater.name)
        if rater.table is not None and rater.status_column is not None:
            yield f"t <- own_rows({self._read(rater.table)}, {_text(rater.table.id_column)})"
            yield f"d[[{name}]] <- status_of(d$patient, t[[{_text(rater.table.id_column)}]], "
            yield f"  words_in(t[[{_text(rater.status_column)}]], {words}))"
        elif rater.findings is not None:
            folder = _text(_relative(rater.findings, self._folder))
            names = "NULL"
            if rater.pseudonyms is not None and rater.case_column is not None:
                yield f"t <- own_rows({self._read(rater.pseudonyms)}, {_text(rater.pseudonyms.id_column)})"
                names = f"setNames(t[[{_text(rater.pseudonyms.id_column)}]], t[[{_text(rater.case_column)}]])"
            yield f"f <- read_findings({folder}, {names})"
            yield f"d[[{name}]] <- status_of(d$patient, f$patient, words_in(f$status, {words}))"

    def _endpoint(self, endpoint: Endpoint) -> Iterator[str]:
        follow_up = self._study.follow_up
        if follow_up is None:
            return
        codes = dict.fromkeys(endpoint.censored, "0") | dict.fromkeys(endpoint.event, "1")
        codes |= dict.fromkeys(endpoint.competing, "2")
        if endpoint.time_column is not None:
            time = f"numbers_in(t[[{_text(endpoint.time_column)}]])"
        else:
            end, start = _text(str(endpoint.date_column)), _text(str(follow_up.start_column))
            layout = _text(self._study.date_format or "")
            days = f"as.numeric(dates_in(t[[{end}]], {layout}) - dates_in(t[[{start}]], {layout}))"
            time = f"{days} / {UNIT_DAYS[follow_up.table_unit]!r}"
        if follow_up.table_unit != follow_up.unit:
            time += f" * {UNIT_DAYS[follow_up.table_unit]!r} / {UNIT_DAYS[follow_up.unit]!r}"
        longest = follow_up.longest_years * UNIT_DAYS["years"] / UNIT_DAYS[follow_up.unit]
        yield f"d <- followed(d, {_text(endpoint.name)}, t[[{_text(follow_up.table.id_column)}]], {time}, "
        yield f"  as.integer(words_in(t[[{_text(endpoint.event_column)}]], {_lookup(codes)})), {longest!r})"

    def _has_status(self, rater: Rater) -> bool:
        return rater.findings is not None or rater.status_column is not None

    def _known(self, names: Sequence[str]) -> bool:
        """Return whether the script has the columns; region and short axis by the lead rater it has not."""
        return not {"region", "short_axis"} & set(names)

    def _panel(self, panel: Panel, times: Sequence[float]) -> Iterator[str]:
        stratum = panel.stratum
        names = [*stratum.by, *([stratum.within] if stratum.within else [])]
        if not self._known(names):
            yield f"\n# Not in this script: {panel.title}"
            return
        late = max(variable(self._data, name).known_from for name in names)
        groups = [f"as.character(d[[{_text(name)}]])" for name in stratum.by]
        if len(groups) > 1:
            labels = [f"paste({_text(label)}, {group})" for label, group in zip(panel.labels, groups, strict=True)]
            missing = " | ".join(f"is.na(d[[{_text(name)}]])" for name in stratum.by)
            joined = f'ifelse({missing}, NA, paste({", ".join(labels)}, sep = ", "))'
        else:
            joined = groups[0]
        level = panel.key.partition(f".{stratum.within}=")[2] if stratum.within else ""
        inside = f"d[[{_text(str(stratum.within))}]] == {_text(level)}" if stratum.within else "TRUE"
        yield f"\n# {panel.title}"
        yield f"s <- panel(d, {_text(panel.endpoint.name)}, {joined}, {inside}, {late!r}, c({_listed(panel)}))"
        for label, _ in panel.groups:
            key = f"{panel.key}.{label}"
            for time in times:
                for what in ("survival", "incidence"):
                    yield from self._check(f"{key}.{what}_{time:g}", f"{what}_at(s, {_text(label)}, {time!r})")
            yield from self._check(f"{key}.median", f"median_of(s, {_text(label)})")
            yield from self._check(f"{key}.hazard_ratio", f"ratio_of(s, {_text(label)})")
        yield from self._check(f"{panel.key}.test", "test_of(s)")

    def _models(self, endpoint: Endpoint) -> Iterator[str]:
        candidates = [name for name in self._study.analysis.candidates if self._known([name])]
        for name in candidates:
            yield from self._ratios(endpoint, "alone", [name])
        prefix = f"cox.{endpoint.name}.together."
        made = {key.removeprefix(prefix).partition(".")[0] for key in self._numbers if key.startswith(prefix)}
        entered = [name for name in self._study.analysis.candidates if name in made]
        if entered and self._known(entered):
            yield from self._ratios(endpoint, "together", entered)
            yield from self._ratios(endpoint, "subdistribution", entered)

    def _ratios(self, endpoint: Endpoint, kind: str, names: Sequence[str]) -> Iterator[str]:
        prefix = f"cox.{endpoint.name}.{kind}."
        keys = [f"{prefix}{name}" for name in names]
        ratios = [key for key, number in self._numbers.items() if isinstance(number.value, Estimate)]
        made = [key for key in ratios if any(key == each or key.startswith(f"{each}.") for each in keys)]
        if not made or any("Firth" in self._numbers[key].value.method for key in made):
            return
        fitted = "subdistribution" if kind == "subdistribution" else "cox_model"
        per = ", ".join(f"{_text(name)} = c({_levels(self._data, name)})" for name in names)
        yield f"\n# {endpoint.label}, {kind}: {', '.join(names)}"
        yield f"m <- {fitted}(d, {_text(endpoint.name)}, list({per}))"
        for key in made:
            name, _, level = key.removeprefix(prefix).partition(".")
            ratio = f"m[[{_text(f'{name} = {level}' if level else name)}]]"
            step = variable(self._data, name).per
            yield from self._check(key, ratio if step == 1 else f"{ratio}^{step!r}")

    def _check(self, key: str, expression: str) -> Iterator[str]:
        number = self._numbers.get(key)
        if number is None or not number.value.defined:
            return
        ours = number.value.p_value if isinstance(number.value, HypothesisTest) else number.value.value
        yield f"check({_text(key)}, {expression}, {ours!r})"


def _text(text: str) -> str:
    """Return a text as R writes it."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
    return f'"{plain}"'


def _lookup(meanings: dict[str, str]) -> str:
    return f"c({', '.join(f'{_text(key)} = {_text(meaning)}' for key, meaning in meanings.items())})"


def _covariate(each: Covariate) -> str:
    column = f"t[[{_text(each.column)}]]"
    if each.kind == "category":
        return f"words_in({column}, {_lookup(dict(each.levels))})"
    low, high = (str(bound) if bound is not None else end for bound, end in ((each.low, "-Inf"), (each.high, "Inf")))
    beyond = _text(each.beyond_limit or "")
    return f"numbers_in({column}, {low}, {high}, {beyond})"


def _levels(data: StudyData, name: str) -> str:
    return ", ".join(map(_text, variable(data, name).levels))


def _listed(panel: Panel) -> str:
    return ", ".join(_text(label) for label in panel.groups.labels)


def _relative(path: Path, folder: Path) -> str:
    """Return the way from a folder to a path."""
    return Path(relpath(path.resolve(), folder.resolve())).as_posix()
