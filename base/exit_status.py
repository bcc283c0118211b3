"""With which status a process ends after each error, keyed by its code; every command line of ours looks here.

What a script or systemd decides by: 2 to 4 no repetition mends, the others time may. 7 is a replay that came to other
findings.
"""

from collections.abc import Mapping
from typing import Final

from base.errors import SidewallError, entry_of

EXIT_STATUSES: Final[Mapping[str, int]] = {
    "internal_error": 1,
    "setting_invalid": 2,
    "other_run": 2,
    "ledger_newer": 2,
    "not_out_of_fold": 2,
    "refused": 3,
    "nothing_left": 3,
    "no_such_study": 3,
    "no_results": 3,
    "wrong_state": 3,
    "signatures_missing": 3,
    "not_proved": 3,
    "not_ready": 3,
    "self_test_failed": 3,
    "went_back": 3,
    "bundle_rejected": 4,
    "backend_unavailable": 4,
    "channel_rejected": 4,
    "image_refused": 4,
    "journal_rejected": 4,
    "registry_failed": 5,
    "server_busy": 5,
    "too_many": 5,
    "server_unreachable": 5,
    "ledger_unavailable": 5,
    "cancelled": 6,
    "answer_not_read": 6,
    "system_failed": 8,
    "address_unavailable": 9,
    "spool_taken": 9,
    "work_taken": 9,
    "agent_taken": 9,
    "file_absent": 10,
    "device_absent": 11,
    "result_incomplete": 12,
    "cases_failed": 13,
}
"""Code -> status, 1 to 125; a code that is not here has that of the kind it belongs to."""


def exit_status(error: SidewallError | type[SidewallError]) -> int:
    """Return the status for an error or for every error of a class."""
    return entry_of(error, EXIT_STATUSES)
