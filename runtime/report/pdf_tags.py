"""What makes the PDF a tagged one (ISO 32000-1, 14.7 and 14.8), for whoever has the document read aloud.

Its structure are headings, paragraphs, tables and figures, in the order in which they are drawn.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFObjectReference, PDFString
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, Paragraph

Role = Literal["H1", "H2", "H3", "P", "Figure"]


@dataclass(frozen=True)
class Cell:
    """Where in a table a paragraph stands."""

    table: object
    """The same for all cells of one table."""

    row: int
    is_header: bool


@dataclass(eq=False)
class Mark:
    """One element of the structure and where it was drawn."""

    role: Role
    alternative: str = ""
    """What a figure shows."""

    cell: Cell | None = None
    places: list[tuple[int, int]] = field(default_factory=list)
    """Page, from 0, and number of the marked content on it; two where a paragraph goes on on the next page."""


class TaggedCanvas(Canvas):
    """A canvas that notes what is drawn, and writes the tree of it at the end."""

    _code: list[str]
    """The operators of the page so far."""

    _doc: Any
    """The document's objects."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._marks: list[Mark] = []
        self._counts: dict[int, int] = {}

    @contextmanager
    def marked(self, mark: Mark, *, repeated: bool = False) -> Iterator[None]:
        """Have what is drawn within be the content of an element; what was there before is no content again."""
        page = self.getPageNumber() - 1
        if repeated:
            with self.artifact():
                yield
            return
        number = self._counts.get(page, 0)
        self._counts[page] = number + 1
        if not mark.places:
            self._marks.append(mark)
        mark.places.append((page, number))
        self._code.append(f"/{mark.role} <</MCID {number}>> BDC")
        yield
        self._code.append("EMC")

    @contextmanager
    def artifact(self) -> Iterator[None]:
        """Have what is drawn within be no content: lines, and what every page has."""
        self._code.append("/Artifact BMC")
        yield
        self._code.append("EMC")

    def save(self) -> None:
        """Write the tree and close the document."""
        if self._marks:
            _Tree(self._doc).write(self._marks)
        super().save()


class TaggedParagraph(Paragraph):
    """A paragraph that is an element of the structure."""

    mark: Mark | None = None
    _is_drawn = False

    def split(self, availWidth: float, availHeight: float) -> list[Flowable]:
        """Return the parts on both pages, which are of one element."""
        parts: list[Flowable] = super().split(availWidth, availHeight)
        for part in parts:
            if isinstance(part, TaggedParagraph):
                part.mark = self.mark
        return parts

    def draw(self) -> None:
        """Draw as content; the header of a table that goes on is drawn again as none."""
        if self.mark is None or not isinstance(self.canv, TaggedCanvas):
            super().draw()
            return
        with self.canv.marked(self.mark, repeated=self._is_drawn):
            super().draw()
        self._is_drawn = True


class TaggedImage(Image):
    """A picture with words for those who cannot see it."""

    alternative = ""

    def draw(self) -> None:
        """Draw as a figure."""
        with figure(self.canv, self.alternative):
            super().draw()


@contextmanager
def figure(canvas: Canvas, alternative: str) -> Iterator[None]:
    """Have what is drawn within be a figure, where the canvas takes tags."""
    if isinstance(canvas, TaggedCanvas):
        with canvas.marked(Mark("Figure", alternative)):
            yield
    else:
        yield


class _Tree:
    """The objects of the structure in one document of ReportLab."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._by_page: dict[int, dict[int, Any]] = {}

    def write(self, marks: Sequence[Mark]) -> None:
        """Add the structure to the catalog and its numbers to the pages."""
        root = PDFDictionary({"Type": PDFName("StructTreeRoot")})
        root_reference = self._document.Reference(root)
        whole, reference = self._element("Document", root_reference)
        whole.dict["K"] = PDFArray([each for group in _by_table(marks) for each in self._group(group, reference)])
        root.dict["K"] = PDFArray([reference])
        root.dict["ParentTree"] = self._document.Reference(PDFDictionary({"Nums": PDFArray(self._numbers())}))
        self._document.Catalog.StructTreeRoot = root
        self._document.Catalog.MarkInfo = PDFDictionary({"Marked": "true"})
        for index, page in enumerate(self._document.Pages.pages):
            page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]
            page.StructParents, page.Tabs = index, PDFName("S")

    def _numbers(self) -> Iterator[Any]:
        """Yield page and the elements of its marked contents by their numbers."""
        for page, elements in sorted(self._by_page.items()):
            yield page
            yield PDFArray([elements[number] for number in sorted(elements)])

    def _group(self, marks: Sequence[Mark], parent: Any) -> list[Any]:
        if marks[0].cell is None:
            return [self._leaf(mark, mark.role, parent) for mark in marks]
        table, reference = self._element("Table", parent)
        rows = [list(row) for _, row in groupby(marks, lambda mark: mark.cell.row if mark.cell else 0)]
        table.dict["K"] = PDFArray([self._row(row, reference) for row in rows])
        return [reference]

    def _row(self, marks: Sequence[Mark], parent: Any) -> Any:
        row, reference = self._element("TR", parent)
        row.dict["K"] = PDFArray(
            [self._leaf(mark, "TH" if mark.cell and mark.cell.is_header else "TD", reference) for mark in marks]
        )
        return reference

    def _leaf(self, mark: Mark, role: str, parent: Any) -> Any:
        element, reference = self._element(role, parent)
        element.dict["Pg"] = _page(mark.places[0][0])
        element.dict["K"] = PDFArray(
            [PDFDictionary({"Type": PDFName("MCR"), "Pg": _page(page), "MCID": number}) for page, number in mark.places]
        )
        if mark.alternative:
            element.dict["Alt"] = PDFString(mark.alternative)
        for page, number in mark.places:
            self._by_page.setdefault(page, {})[number] = reference
        return reference

    def _element(self, role: str, parent: Any) -> tuple[Any, Any]:
        element = PDFDictionary({"Type": PDFName("StructElem"), "S": PDFName(role), "P": parent})
        return element, self._document.Reference(element)


def _by_table(marks: Sequence[Mark]) -> Iterator[list[Mark]]:
    """Yield runs of elements of one table, and of elements of none."""
    for _, run in groupby(marks, lambda mark: id(mark.cell.table) if mark.cell else 0):
        yield list(run)


def _page(index: int) -> Any:
    return PDFObjectReference(f"Page{index + 1}")
