"""Pages of the PDF: what must be read on each, and figures that stay in one piece."""

from io import BytesIO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from pypdf import PdfReader

from analytics.report.blocks import Block, Figure, ReportDocument, Section, Table
from analytics.report.pdf_blocks import LONGEST_TABLE
from analytics.report.pdf_document import pdf_bytes
from analytics.report.wording import NUMBERS_HEADER


def made(title: str, *sections: Section) -> PdfReader:
    return PdfReader(BytesIO(pdf_bytes(ReportDocument(title, "two patients", True, sections, {"tool": "1"}, {}))))


def pages(title: str, *blocks: Block) -> list[str]:
    return [page.extract_text() for page in made(title, Section("one", "One", blocks)).pages]


def numbers(count: int, title: str = "Numbers") -> Table:
    rows = tuple((f"row {index}", "1.00 (0.50 to 2.00)", "n = 9", "Wilson") for index in range(count))
    return Table("numbers", title, NUMBERS_HEADER, rows, of_numbers=True)


def figure(key: str, width_in: float) -> Figure:
    png = BytesIO()
    drawn = Canvas(figsize=(1, 1))
    FigureCanvasAgg(drawn)
    drawn.savefig(png, format="png")
    return Figure(key, f"Figure {key}", "nothing", b"<svg/>", png.getvalue(), width_in, 2.0)


def test_a_long_title_never_pushes_out_that_the_data_are_simulated_and_for_research_only() -> None:
    table = Table("table", "Table", ("figure",), (("1",),))
    (page,) = pages("A simulated study with a title that goes on and on " * 4, table)
    assert "simulated data  ·  research use only" in page


def test_neither_a_p_value_nor_a_word_of_the_header_is_parted_beside_wide_columns() -> None:
    wide = "61.00 (52.50 to 68.00) of all the patients in this group"
    header = ("variable", "all", "negative", "positive", "Missing", "p", "Test", "Difference")
    (page,) = pages("Study", Table("table", "Table", header, ((wide, wide, wide, wide, "0", "<0.001", "c", "0.24"),)))
    assert "<0.001" in page
    assert {"Missing", "Test", "Difference"} <= set(page.split())


def test_the_contents_name_the_page_that_each_section_begins_on() -> None:
    sections = [Section(name, f"Section {name}", (numbers(LONGEST_TABLE), figure(name, 6.5))) for name in "abcdefgh"]
    reader = made("Study", *sections)
    texts = [page.extract_text() for page in reader.pages]
    contents = texts[0].split("Section a\nNumbers")[0].splitlines()
    for name in "abcdefgh":
        page = int(contents[contents.index(f"Section {name}") + 1])
        assert f"Section {name}\nNumbers" in texts[page - 1]
    assert [str(each["/Title"]) for each in reader.outline if not isinstance(each, list)] == [
        f"Section {name}" for name in "abcdefgh"
    ]


def test_a_long_table_of_numbers_goes_to_the_appendix_and_its_place_tells_the_page() -> None:
    texts = pages("Study", numbers(LONGEST_TABLE + 1))
    assert f"{LONGEST_TABLE + 1} rows: see the appendix, page 2. numbers.csv has them, too." in texts[0]
    assert "Appendix: long tables" in texts[1]
    assert "row 0" in texts[1]


def test_a_table_that_is_in_no_other_file_stays_in_its_section_with_its_header_on_every_page() -> None:
    rows = tuple((f"row {index}", "1") for index in range(90))
    texts = pages("Study", Table("table", "Table", ("Variable heading", "Count"), rows, "A note."))
    assert len(texts) == 2
    assert all("Variable heading" in text for text in texts)
    # The note of a table that goes on over pages is read before it, and never stands alone on the last.
    assert "A note." in texts[0]


def test_every_method_stands_once_below_a_table_of_numbers() -> None:
    (page,) = pages("Study", numbers(5))
    assert page.count("Wilson") == 1
    assert "Methods: a: Wilson." in page


def test_small_figures_stand_beside_each_other_and_large_ones_below() -> None:
    assert len(pages("Study", *(figure(str(index), 3.2) for index in range(6)))) == 1
    assert len(pages("Study", *(figure(str(index), 6.2) for index in range(6)))) == 2


def test_a_figure_and_the_table_of_the_same_title_have_one_caption() -> None:
    (page,) = pages("Study", figure("x", 6.0), numbers(2, "Figure x"))
    assert page.count("Figure x") == 1


def test_the_same_report_gives_the_same_bytes() -> None:
    document = ReportDocument("t", "s", False, (Section("one", "One", (figure("x", 3.0), numbers(40))),), {}, {})
    assert pdf_bytes(document) == pdf_bytes(document)
