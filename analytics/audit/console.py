"""The audit's result as text for people and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from analytics.audit.claims import Claims
from analytics.audit.finding import Finding
from analytics.version import own_version

_STYLES = {"contradiction": "bold red", "note": "yellow"}


def is_contradicted(findings: Sequence[Finding]) -> bool:
    """Whether some claims cannot be true together."""
    return any(finding.severity == "contradiction" for finding in findings)


def audit_as_json(claims: Claims, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the result in plain JSON types."""
    return {
        "title": claims.title,
        "citation": claims.citation,
        "consistent": not is_contradicted(findings),
        "findings": [asdict(finding) for finding in findings],
        "software_version": own_version(),
    }


def print_audit(console: Console, claims: Claims, findings: Sequence[Finding]) -> None:
    """Print the findings, one paragraph each, and a line that sums them up."""
    console.print(claims.title, style="bold", markup=False, highlight=False)
    if claims.citation:
        console.print(claims.citation, markup=False, highlight=False)
    for finding in findings:
        console.print()
        head = f"line {finding.line}  {finding.severity}: {finding.code}"
        console.print(head, style=_STYLES[finding.severity], markup=False, highlight=False)
        console.print(f"  {finding.claim}", markup=False, highlight=False)
        console.print(f"  {finding.message}", markup=False, highlight=False)
    contradictions = sum(finding.severity == "contradiction" for finding in findings)
    notes = len(findings) - contradictions
    console.print()
    summary = f"{_counted(contradictions, 'contradiction')}, {_counted(notes, 'note')}"
    console.print(summary, style="bold", markup=False, highlight=False)


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
