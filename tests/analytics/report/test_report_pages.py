"""Pages of the PDF: what must be read on each, and figures that stay in one piece."""

from io import BytesIO

from pypdf import PdfReader

from analytics.report.blocks import ReportDocument, Section, Table
from analytics.report.pdf_document import pdf_bytes


def pages(title: str, table: Table) -> list[str]:
    document = ReportDocument(title, "two patients", True, (Section("one", "One", (table,)),), {"tool": "1"}, {})
    return [page.extract_text() for page in PdfReader(BytesIO(pdf_bytes(document))).pages]


def test_a_long_title_never_pushes_out_that_the_data_are_simulated_and_for_research_only() -> None:
    table = Table("table", "Table", ("figure",), (("1",),))
    (page,) = pages("A simulated study with a title that goes on and on " * 4, table)
    assert "simulated data  ·  research use only" in page


def test_a_p_value_beside_wide_columns_is_not_parted() -> None:
    wide = "61.00 (52.50 to 68.00) of all the patients in this group"
    header = ("variable", "all", "negative", "positive", "missing", "p", "difference")
    (page,) = pages("Study", Table("table", "Table", header, ((wide, wide, wide, wide, "0", "<0.001", "0.24"),)))
    assert "<0.001" in page
