"""The tables as DOCX for a manuscript, with the same bytes for the same report."""

import datetime
from io import BytesIO
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import docx
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt

from analytics.report.blocks import ReportDocument, Table
from analytics.report.language import say, spoken
from analytics.report.table_parts import parts_within

_WHEN: Final = datetime.datetime(2000, 1, 1)
"""Date inside the file: a real one would make every file another."""

_MOST_LETTERS: Final = 150.0
"""Letters of 9 points that fit beside each other on the page."""

_CHINESE_FONT: Final = "SimSun"
"""Which every Word has, and other programs replace by their own."""

_ZIP_DATE: Final = (2000, 1, 1, 0, 0, 0)


def docx_bytes(document: ReportDocument) -> bytes:
    """Return every table of the report, by section."""
    made = docx.Document()
    made.core_properties.created = made.core_properties.modified = _WHEN
    made.core_properties.author = "sidewall-analytics"
    made.core_properties.title = document.title
    page = made.sections[0]
    page.orientation = WD_ORIENT.LANDSCAPE
    page.page_width, page.page_height = page.page_height, page.page_width
    made.styles["Normal"].font.size = Pt(9)
    if spoken() == "zh":
        made.styles["Normal"].element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _CHINESE_FONT)
    made.add_heading(document.title, 0)
    made.add_paragraph(say(document.banner))
    for section in document.sections:
        tables = [block for block in section.blocks if isinstance(block, Table)]
        if tables:
            made.add_heading(section.title, 1)
        for table in tables:
            for part in parts_within(table, _MOST_LETTERS, _letters):
                _add(made, part)
    made.add_paragraph(say(document.origin))
    buffer = BytesIO()
    made.save(buffer)
    return _undated(buffer.getvalue())


def _letters(table: Table) -> list[float]:
    """Return the letters of the longest word of every column, and the space beside it."""
    columns = zip(table.header, *table.rows, strict=True)
    return [3.0 + max(len(word) for cell in column for word in (cell.split() or [""])) for column in columns]


def _add(made: Any, table: Table) -> None:
    made.add_heading(table.title, 2)
    grid = made.add_table(rows=1, cols=len(table.header), style="Light List")
    grid.autofit = True
    for cell, text in zip(grid.rows[0].cells, table.header, strict=True):
        cell.text = text
    # Word repeats the header on every page only where it is told so.
    repeat = OxmlElement("w:tblHeader")
    repeat.set(qn("w:val"), "true")
    grid.rows[0]._tr.get_or_add_trPr().append(repeat)
    for row in table.rows:
        for cell, text in zip(grid.add_row().cells, row, strict=True):
            cell.text = text
    if table.note:
        made.add_paragraph(table.note).runs[0].italic = True


def _undated(content: bytes) -> bytes:
    """Return the archive with one date on every member."""
    buffer = BytesIO()
    with ZipFile(BytesIO(content)) as source, ZipFile(buffer, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            info = ZipInfo(name, _ZIP_DATE)
            info.compress_type = ZIP_DEFLATED
            target.writestr(info, source.read(name))
    return buffer.getvalue()
