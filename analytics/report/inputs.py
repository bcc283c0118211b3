"""Digests of everything that a report was made from."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from analytics.segmentation.label_map import label_map_files
from analytics.study.findings_folder import findings_files
from analytics.study.spec import Study


def input_digests(study_file: Path, study: Study) -> dict[str, str]:
    """Return sha256 of study file and tables, and of each folder of findings or label maps as a whole, by name."""
    tables = [study.patients, *(table for rater in study.raters for table in (rater.table, rater.pseudonyms) if table)]
    tables += [rater.nodes.table for rater in study.raters if rater.nodes is not None]
    if study.follow_up is not None:
        tables.append(study.follow_up.table)
    digests = {study_file.name: _digest(study_file)}
    digests |= {table.path.name: _digest(table.path) for table in tables}
    for rater in study.raters:
        if rater.findings is not None:
            files = findings_files(rater.findings)
            digests[f"{rater.findings.name}/"] = _folder_digest(rater.findings, files)
    if study.label_maps is not None:
        for part, folder in (("reference", study.label_maps.reference), ("model", study.label_maps.model)):
            digests[f"label maps, {part}/"] = _folder_digest(folder, label_map_files(folder))
    return dict(sorted(digests.items()))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _folder_digest(folder: Path, files: Sequence[Path]) -> str:
    """Return the digest of all files' names and digests in the order of the names."""
    lines = [f"{_digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
