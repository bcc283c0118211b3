"""The report as one HTML page that needs no other file and works with keyboard and screen reader."""

import base64
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from analytics.report.blocks import Block, Figure, ReportDocument, Table, identifier
from analytics.report.language import HTML_TAGS, say, spoken


def html_page(document: ReportDocument) -> str:
    """Return the page."""
    return _template().render(document=document, say=say, language=HTML_TAGS[spoken()])


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["svg_uri"] = _svg_uri
    environment.filters["identifier"] = identifier
    environment.tests["table_block"] = _is_table
    environment.tests["figure_block"] = _is_figure
    return environment.from_string(files("analytics.report").joinpath("page.html.j2").read_text(encoding="utf-8"))


def _svg_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")


def _is_table(block: Block) -> bool:
    return isinstance(block, Table)


def _is_figure(block: Block) -> bool:
    return isinstance(block, Figure)
