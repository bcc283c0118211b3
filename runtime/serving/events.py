"""From the pipeline's results to the events of the wire contract."""

from collections.abc import Iterable, Iterator

from sidewall.convert import findings_to_message
from sidewall.v1 import analysis_pb2, findings_pb2

from base import __version__
from core.errors import Reason
from core.findings import Findings
from core.findings_json import to_mapping
from core.progress import Progress
from runtime.results.artefact import Artefact

_CHUNK_BYTES = 1 << 20


def accepted_event(job_id: str) -> analysis_pb2.Event:
    """Return the first event of every admitted call."""
    return analysis_pb2.Event(accepted=analysis_pb2.Accepted(job_id=job_id, software_version=__version__))


def progress_event(progress: Progress) -> analysis_pb2.Event:
    """Return where the analysis is."""
    message = analysis_pb2.Progress(
        stage=progress.stage, done=progress.done, total=progress.total, estimate_s=progress.remaining_s
    )
    return analysis_pb2.Event(progress=message)


def findings_event(findings: Findings) -> analysis_pb2.Event:
    """Return the findings, with the numbers as in findings.json."""
    return analysis_pb2.Event(findings=findings_to_message(to_mapping(findings)))


def artefact_events(artefacts: Iterable[Artefact]) -> Iterator[analysis_pb2.Event]:
    """Yield the files of a result in chunks; an empty file is one empty chunk."""
    for artefact in artefacts:
        for start in range(0, max(len(artefact.data), 1), _CHUNK_BYTES):
            chunk = analysis_pb2.ArtefactChunk(
                name=artefact.name,
                media_type=artefact.media_type,
                data=artefact.data[start : start + _CHUNK_BYTES],
                last=start + _CHUNK_BYTES >= len(artefact.data),
            )
            yield analysis_pb2.Event(artefact=chunk)


def refusal_event(reasons: Iterable[Reason], findings: Findings | None = None) -> analysis_pb2.Event:
    """Return every reason of a refusal, with the findings that say so when there are any."""
    message = analysis_pb2.Refusal(
        reasons=[findings_pb2.RefusalReason(code=str(reason.code), message=reason.message) for reason in reasons],
        findings=findings_to_message(to_mapping(findings)) if findings else None,
    )
    return analysis_pb2.Event(refusal=message)
