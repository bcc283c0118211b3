import csv
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from zipfile import ZipFile

import docx
import pytest
from pypdf import PdfReader

from analytics.examples.simulate import simulate
from analytics.report.build import build_report, step_count, write_report
from analytics.study.load import load_data
from analytics.study.study_file import load_study
from tests.fixtures.small_study import STUDY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a small study and the report of it, made twice: by one process and by two."""
    folder = tmp_path_factory.mktemp("study")
    for name, table in simulate(120, 5).items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    for out in ("first", "second"):
        data = load_data(load_study(folder / "study.yaml"))
        steps: list[int] = []
        jobs = 2 if out == "second" else 1
        document = build_report(data, folder / "study.yaml", lambda steps=steps: steps.append(1), jobs)  # type: ignore[misc]
        assert len(steps) == step_count(data)
        write_report(document, data, folder / out)
    return folder


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_input_gives_the_same_bytes(folder: Path) -> None:
    first = files(folder / "first")
    assert first == files(folder / "second")
    assert {"report.html", "report.pdf", "tables.docx", "results.json", "numbers.csv"} <= first.keys()
    figures = {Path(name).stem for name in first if name.startswith("figures/")}
    assert {"flow", "roc", "calibration", "decision-curve", "kappa", "survival-DFS-model", "forest-DFS"} <= figures
    assert {
        "levels",
        "froc-model",
        "scores-model",
        "precision-recall",
        "residuals-DFS",
        "subgroups",
        "auc-DFS",
        "calibration-DFS-36",
    } <= figures


def test_every_number_carries_method_and_n_in_json_and_csv(folder: Path) -> None:
    results = json.loads((folder / "first" / "results.json").read_text(encoding="utf-8"))
    keys = [number["key"] for number in results["numbers"]]
    assert len(keys) == len(set(keys))
    assert all(number["method"] and number["n"] is not None for number in results["numbers"])
    with (folder / "first" / "numbers.csv").open(encoding="utf-8", newline="") as file:
        assert [row["key"] for row in csv.DictReader(file)] == keys
    assert results["software_versions"].keys() >= {"sidewall-analytics", "python", "numpy", "scipy"}
    digest = hashlib.sha256((folder / "model.csv").read_bytes()).hexdigest()
    assert results["inputs_sha256"]["model.csv"] == digest


def test_areas_and_intraclass_correlations_have_the_intervals_that_cover(folder: Path) -> None:
    results = json.loads((folder / "first" / "results.json").read_text(encoding="utf-8"))
    numbers = {each["key"]: each for each in results["numbers"]}
    assert numbers["probability.auc"]["method"] == "area under the ROC curve, DeLong interval on the logit scale"
    sampled, these = (numbers[f"agreement.short_axis.{key}"] for key in ("icc", "icc_consistency"))
    assert sampled["method"] == "ICC2 of readers as a sample, generalised interval, 2000 resamples"
    assert sampled["note"].endswith("readers are few to stand for all readers")
    assert these["method"] == "ICC3 of these readers, percentile bootstrap by unit, 2000 resamples"


def test_the_model_s_sensitivity_is_that_of_the_tables_counted_by_hand(folder: Path) -> None:
    tables = simulate(120, 5)
    pair = tables["reference"].merge(tables["model"], on="patient", suffixes=("_true", "_called"))
    positive = pair[pair["status_true"] == "positive"]
    results = json.loads((folder / "first" / "results.json").read_text(encoding="utf-8"))
    number = next(each for each in results["numbers"] if each["key"] == "accuracy.model.sensitivity")
    assert (number["count"], number["n"]) == ((positive["status_called"] == "positive").sum(), len(positive))


class Page(HTMLParser):
    """Collects what makes a page readable without eyes or network."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.headings: list[int] = []
        self.scopes = 0
        self.anchors: list[str] = []
        self.identifiers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of one element."""
        given = dict(attrs)
        if tag == "img":
            self.images.append(given)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.scopes += "scope" in given
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]
        self.anchors += [value[1:] for name, value in attrs if name == "href" and value and value.startswith("#")]
        self.identifiers += [value for name, value in attrs if name == "id" and value]


def test_the_page_needs_no_other_file_and_every_picture_has_words(folder: Path) -> None:
    text = (folder / "first" / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert page.images
    assert all(image["alt"] for image in page.images)
    assert set(page.anchors) <= set(page.identifiers)
    assert len(page.identifiers) == len(set(page.identifiers))
    assert page.headings[0] == 1
    assert set(page.headings[1:]) == {2}
    assert page.scopes > 100
    assert "Small &lt;study&gt;" in text
    assert "Simulated data: no real patients." in text
    assert "Research use only" in text


def test_pdf_and_docx_hold_the_tables_and_say_what_they_are(folder: Path) -> None:
    reader = PdfReader(folder / "first" / "report.pdf")
    text = "\n".join(page.extract_text() for page in reader.pages)
    for words in (
        "Simulated data",
        "Research use only",
        "Sensitivity",
        "Gray's test",
        "CLAIM 2024",
        "Patients by model status",
    ):
        assert words in text
    document = docx.Document(str(folder / "first" / "tables.docx"))
    headings = [each.text for each in document.paragraphs if each.style is not None and each.style.name == "Heading 2"]
    assert "model against the reference" in headings
    assert len(document.tables) == len(headings)
    with ZipFile(folder / "first" / "tables.docx") as archive:
        assert {info.date_time for info in archive.infolist()} == {(2000, 1, 1, 0, 0, 0)}


def test_checklists_are_filled_only_as_far_as_the_data_say(folder: Path) -> None:
    results = json.loads((folder / "first" / "results.json").read_text(encoding="utf-8"))
    lists = {table["title"]: table for table in results["tables"] if table["key"].startswith("checklist")}
    assert set(lists) == {"STARD-AI", "CLAIM 2024", "REMARK", "TRIPOD+AI", "STROBE"}
    answers = {row[1]: row[2] for row in lists["REMARK"]["rows"]}
    assert answers["Treatments"] == "not in the data"
    assert answers["Endpoints"] == "Disease-free survival (DFS); Lateral recurrence (LR)"
    assert answers["Main multivariable results of the marker with intervals"] == "see Cox models"
    unclear = "What became of judgements that are neither positive nor negative"
    assert "follow-up" not in {row[1]: row[2] for row in lists["STARD-AI"]["rows"]}[unclear]
    # The study forces one candidate alone into the model.
    assert answers["Marker with all standard variables in one model, significant or not"] == "not in the data"


def test_checklists_leave_out_no_item_of_the_published_lists(folder: Path) -> None:
    results = json.loads((folder / "first" / "results.json").read_text(encoding="utf-8"))
    lists = {table["title"]: table for table in results["tables"] if table["key"].startswith("checklist")}
    published = (("STARD-AI", 40), ("CLAIM 2024", 44), ("REMARK", 20), ("TRIPOD+AI", 27), ("STROBE", 22))
    for title, last in published:
        named: list[int] = []
        for number, *_ in lists[title]["rows"]:
            first, _, end = (re.sub("[a-g]", "", part) for part in number.partition("-"))
            named += range(int(first), int(end or first) + 1)
        assert list(dict.fromkeys(named)) == list(range(1, last + 1))
