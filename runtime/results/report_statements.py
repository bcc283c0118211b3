"""The container of TID 1500 that says in codes and in words why a case was refused and what is to be heeded.

Each item is a code followed by its text: a reader that knows the code needs no words, a person needs no code.
"""

from collections.abc import Iterator

from highdicom import sr
from pydicom.sr.coding import Code

from core.findings import Findings
from runtime.results import codes


def statements(findings: Findings) -> sr.ContainerContentItem | None:
    """Return every reason of a refusal, then every warning; None without either, since a container may not be empty."""
    said = [*_reasons(findings), *_warnings(findings)]
    if not said:
        return None
    contains = sr.RelationshipTypeValues.CONTAINS
    container = sr.ContainerContentItem(name=codes.QUALITATIVE_EVALUATIONS, relationship_type=contains)
    container.ContentSequence = sr.ContentSequence()
    for name, value, text_name, text in said:
        container.ContentSequence += [
            sr.CodeContentItem(name=name, value=value, relationship_type=contains),
            sr.TextContentItem(name=text_name, value=text, relationship_type=contains),
        ]
    return container


def _reasons(findings: Findings) -> Iterator[tuple[Code, Code, Code, str]]:
    for reason in findings.refusal:
        code = codes.REFUSAL_CODES.get(reason.code, codes.OTHER_REASON)
        yield codes.REFUSAL_REASON, code, codes.REFUSAL_TEXT, reason.message


def _warnings(findings: Findings) -> Iterator[tuple[Code, Code, Code, str]]:
    """Yield the warnings of the findings in their order; one of a quality check has the code of that check."""
    checks = {gate.message: gate.code for gate in findings.gates if gate.outcome != "pass"}
    for text in findings.warnings:
        code = codes.REFUSAL_CODES.get(checks.get(text, ""), codes.OTHER_WARNING)
        yield codes.WARNING, code, codes.WARNING_TEXT, text
