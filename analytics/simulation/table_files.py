"""Tables as CSV, XLSX and Parquet files whose bytes depend on the table alone."""

import io
import re
import zipfile
from pathlib import Path
from typing import Final

import pandas as pd

_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
_DATES: Final = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table in the format that its name ends in; an XLSX file carries no date of its making."""
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    elif path.suffix == ".xlsx":
        path.write_bytes(_xlsx(table))
    else:
        table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _xlsx(table: pd.DataFrame) -> bytes:
    """Return a workbook with every date inside set to the same day: the sheet, and its entry in the archive."""
    made, content = io.BytesIO(), io.BytesIO()
    table.to_excel(made, index=False, engine="openpyxl")
    with zipfile.ZipFile(made) as dated, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as undated:
        for name in dated.namelist():
            part = _DATES.sub(rb"\g<1>1980-01-01T00:00:00Z", dated.read(name))
            undated.writestr(zipfile.ZipInfo(name, _ZIP_DATE), part, zipfile.ZIP_DEFLATED)
    return content.getvalue()
