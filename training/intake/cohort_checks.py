"""What only several cases together show: the same image twice, one patient where two are expected."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from training.intake.faults import Fault, FaultCode
from training.intake.records import CaseRecord


def check_cohort(records: Iterable[CaseRecord]) -> list[CaseRecord]:
    """Return the records in the order of their names, with what the accepted ones show together.

    Of cases with the same image the first by name stays. A patient with training and test cases loses them all: which
    of them are right, nobody can tell from here.
    """
    ordered = sorted(records, key=lambda record: record.name)
    return _check_hospitals(_check_splits(_check_duplicates(ordered)))


def _check_duplicates(records: Sequence[CaseRecord]) -> list[CaseRecord]:
    first_with: dict[str, str] = {}
    checked = []
    for record in records:
        if record.accepted:
            content = record.require_content()
            keys = {f"pixels {content.pixels_sha256}": "voxels"} | dict.fromkeys(content.instance_uids, "instances")
            found = sorted({(first_with[key], what) for key, what in keys.items() if key in first_with})
            if found:
                name, what = found[0]
                message = f"the same {what} as case {name}; allowed: each image once"
                record = record.rejected(Fault(FaultCode.DUPLICATE_IMAGE, message))
            else:
                first_with |= dict.fromkeys(keys, record.name)
        checked.append(record)
    return checked


def _check_splits(records: Sequence[CaseRecord]) -> list[CaseRecord]:
    splits = _by_patient(records, lambda record: record.split)
    fault = Fault(
        FaultCode.PATIENT_IN_TWO_SPLITS,
        "the patient has training and test cases; allowed: all of a patient's cases in one of them",
    )
    return [record.rejected(fault) if len(splits[_patient(record)]) > 1 else record for record in records]


def _check_hospitals(records: Sequence[CaseRecord]) -> list[CaseRecord]:
    hospitals = _by_patient(records, lambda record: record.hospital)
    fault = Fault(
        FaultCode.PATIENT_IN_TWO_HOSPITALS,
        "the patient has cases from several hospitals; they stay in one fold, with the hospital of the first by name",
    )
    return [record.warned(fault) if len(hospitals[_patient(record)]) > 1 else record for record in records]


def _by_patient(records: Sequence[CaseRecord], value: Callable[[CaseRecord], str]) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.accepted:
            found[_patient(record)].add(value(record))
    return found


def _patient(record: CaseRecord) -> str:
    """Return the patient of an accepted case; for a rejected one its own name, which is no patient's pseudonym."""
    return record.require_content().patient if record.accepted else record.name
