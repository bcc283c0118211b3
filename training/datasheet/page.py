"""The data sheet as one HTML page that needs nothing else, and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from base import __version__
from base.pages import data_uri
from core.labels import LABEL_NAMES
from core.volume import canonicalise
from training.dataset import Part, image_path_of, label_path, read_volume
from training.datasheet.charts import CUTOFF_MM, NEGATIVE_FILL, POSITIVE_FILL, histogram
from training.datasheet.content import describe_dataset
from training.datasheet.page_template import STYLE, TEMPLATE
from training.intake.records import CaseRecord
from training.intake.study import TakenIn
from training.intake.thumbnails import LABEL_COLOURS, thumbnail
from training.splits import Split
from training.workspace import Workspace, write_json

MAX_PICTURES: Final = 24
"""Of accepted cases, and as many again of rejected ones: a page of a few MB."""


@dataclass(frozen=True)
class Picture:
    """One case to look at."""

    case: str
    about: str
    png: bytes


def write_datasheet(workspace: Workspace, trained_on: str, taken: TakenIn, folds: Sequence[Split]) -> Path:
    """Write datasheet.html and datasheet.json beside dataset.json; returns the page's path. `folds` may be empty."""
    sheet = describe_dataset(workspace.dataset, trained_on, taken, folds)
    write_json(workspace.raw / "datasheet.json", sheet)
    shown = _spread_evenly(taken.accepted)
    page = render(
        sheet,
        [_picture(workspace, record) for record in shown],
        [*_rejected_pictures(taken.rejected)][:MAX_PICTURES],
        len(taken.accepted) - len(shown),
        len(folds),
    )
    path = workspace.raw / "datasheet.html"
    path.write_text(page, encoding="utf-8")
    return path


def render(
    sheet: dict[str, Any],
    case_pictures: Sequence[Picture],
    rejected_pictures: Sequence[Picture],
    left_out: int,
    fold_count: int,
) -> str:
    """Return the page of a sheet; `left_out` accepted cases have no picture."""
    charts = [
        chart | {"svg": histogram(f"{chart['side']} {chart['station']}", chart["negative"], chart["positive"])}
        for chart in sheet["short_axes_mm"]
    ]
    return _template().render(
        sheet=sheet,
        charts=charts,
        case_pictures=case_pictures,
        rejected_pictures=rejected_pictures,
        left_out=left_out,
        fold_count=fold_count,
        negative_fill=NEGATIVE_FILL,
        positive_fill=POSITIVE_FILL,
        cutoff_mm=f"{CUTOFF_MM:g}",
        label_colours=[(_name(label), f"rgb{colour}") for label, colour in LABEL_COLOURS.items()],
        style=Markup(STYLE),
        version=__version__,
    )


def _spread_evenly(records: Sequence[CaseRecord]) -> list[CaseRecord]:
    """Return at most `MAX_PICTURES` records, spread evenly over all of them."""
    chosen = np.linspace(0, len(records) - 1, min(MAX_PICTURES, len(records))).round().astype(int)
    return [records[index] for index in chosen]


def _picture(workspace: Workspace, record: CaseRecord) -> Picture:
    part: Part = "Ts" if record.split == "test" else "Tr"
    image = canonicalise(read_volume(image_path_of(workspace.raw, record.name, part)))[0]
    labels = canonicalise(read_volume(label_path(workspace.raw, record.name, part)))[0]
    content = record.require_content()
    about = f"{record.hospital}, {content.node_status.replace('_', ' ')}, {len(content.nodes)} nodes"
    return Picture(record.name, about, thumbnail(image, labels))


def _rejected_pictures(records: Sequence[CaseRecord]) -> Iterator[Picture]:
    for record in records:
        if record.thumbnail is not None:
            yield Picture(record.name, ", ".join(str(fault.code) for fault in record.reasons), record.thumbnail)


def _name(label: int) -> str:
    return next(name for name, value in LABEL_NAMES.items() if value == label)


@cache
def _template() -> Template:
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page.filters["data_uri"] = data_uri
    return page.from_string(TEMPLATE)
