"""The report as one HTML page that needs nothing else: no scripts, no requests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from base.pages import data_uri
from core.findings import Findings
from runtime.report.content import Content, build_content
from runtime.report.page_style import STYLE
from runtime.report.page_template import TEMPLATE
from runtime.report.svg import to_svg
from runtime.report.words import BANNER, TITLE


def html_report(
    findings: Findings, pictures: Mapping[str, bytes], created: datetime, study: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Return the report of a case as UTF-8 HTML; the same arguments give the same bytes.

    `pictures` are PNG files by their artefact names, e.g. `keyimages/node_01.png`; a node without one is said to have
    none. `created` is the time of the analysis, shown as it is given; `study` are names and texts of what a printed
    report is matched by.
    """
    content = build_content(findings, pictures, created, study)
    page = _template().render(
        content=content,
        diagram=_diagram(content),
        title=TITLE,
        banner=BANNER,
        style=Markup(STYLE),
        version=findings.software_version,
    )
    return page.encode()


def _diagram(content: Content) -> Markup | None:
    if content.diagram is None:
        return None
    return Markup(to_svg(content.diagram, "Where the nodes lie", content.diagram_text))


@cache
def _template() -> Template:
    page = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    page.filters["data_uri"] = data_uri
    return page.from_string(TEMPLATE)
