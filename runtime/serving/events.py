"""From the pipeline's results to the events of the wire contract."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from sidewall.convert import findings_to_message
from sidewall.v1 import analysis_pb2, findings_pb2

from base import __version__
from core.errors import Reason
from core.findings import Findings
from core.findings_json import to_mapping
from core.progress import Progress
from runtime.serving.kept import KeptFile

_CHUNK_BYTES: Final = 1 << 20
_STAGES: Final[dict[str, Any]] = {
    name.removeprefix("STAGE_").lower(): value for name, value in analysis_pb2.Stage.items() if value
}


def accepted_event(job_id: str) -> analysis_pb2.Event:
    """Return the first event of every admitted call."""
    return analysis_pb2.Event(accepted=analysis_pb2.Accepted(job_id=job_id, software_version=__version__))


def progress_event(progress: Progress) -> analysis_pb2.Event:
    """Return where the analysis is."""
    message = analysis_pb2.Progress(
        stage=progress.stage,
        done=progress.done,
        total=progress.total,
        estimate_s=progress.remaining_s,
        step=_STAGES.get(progress.stage),
        queue_place=progress.queue_place,
    )
    return analysis_pb2.Event(progress=message)


def findings_event(findings: Findings) -> analysis_pb2.Event:
    """Return the findings, with the numbers as in findings.json."""
    return analysis_pb2.Event(findings=findings_to_message(to_mapping(findings)))


def wanted_by(names: Sequence[str] | None) -> Callable[[str], bool]:
    """Return which files a caller wants: those of these names, or below those that end in a slash; or all."""
    if names is None:
        return lambda _: True
    exact, folders = frozenset(names), tuple(each for each in names if each.endswith("/"))
    return lambda name: name in exact or name.startswith(folders)


def artefact_list(
    files: Iterable[KeptFile], kept_s: float, is_sent: Callable[[str], bool]
) -> analysis_pb2.ArtefactList:
    """Return which files there are, how long they can be had, and which of them come."""
    message = analysis_pb2.ArtefactList()
    message.kept.FromSeconds(int(kept_s))
    for each in files:
        message.entries.add(
            name=each.artefact.name,
            media_type=each.artefact.media_type,
            size_bytes=len(each.artefact.data),
            sha256=each.sha256,
            is_sent=is_sent(each.artefact.name),
        )
    return message


def artefact_events(
    files: Sequence[KeptFile], kept_s: float, names: Sequence[str] | None
) -> Iterator[analysis_pb2.Event]:
    """Yield the list of a result's files, and then those that are wanted in chunks."""
    is_sent = wanted_by(names)
    yield analysis_pb2.Event(artefact_list=artefact_list(files, kept_s, is_sent))
    for each in files:
        if is_sent(each.artefact.name):
            yield from (analysis_pb2.Event(artefact=chunk) for chunk in chunks(each))


def chunks(file: KeptFile, offset: int = 0) -> Iterator[analysis_pb2.ArtefactChunk]:
    """Yield a file from a byte on; the first chunk has size and digest of the whole, and may be empty."""
    data = file.artefact.data
    for start in range(offset, max(len(data), offset + 1), _CHUNK_BYTES):
        is_first = start == offset
        yield analysis_pb2.ArtefactChunk(
            name=file.artefact.name,
            media_type=file.artefact.media_type,
            data=data[start : start + _CHUNK_BYTES],
            last=start + _CHUNK_BYTES >= len(data),
            size_bytes=len(data) if is_first else None,
            sha256=file.sha256 if is_first else "",
            offset=start,
        )


def refusal_event(reasons: Iterable[Reason], findings: Findings | None = None) -> analysis_pb2.Event:
    """Return every reason of a refusal, with the findings that say so when there are any."""
    message = analysis_pb2.Refusal(
        reasons=[findings_pb2.RefusalReason(code=str(reason.code), message=reason.message) for reason in reasons],
        findings=findings_to_message(to_mapping(findings)) if findings else None,
    )
    return analysis_pb2.Event(refusal=message)
