"""What a fleet's office refuses to say, and what its boxes refuse to believe."""

from base.errors import SidewallError, SystemFailed


class ChannelRejected(SidewallError):
    """What a channel says is altered, not signed by enough of those who may, or older than what was seen before."""

    code = "channel_rejected"


class ChannelExpired(ChannelRejected):
    """What a channel says was to be renewed by now: nothing new is taken from it, and what runs goes on."""

    code = "channel_expired"


class SignaturesMissing(SidewallError):
    """The keys at hand are not those that may sign this, or not enough of them."""

    code = "signatures_missing"


class NotProved(SidewallError):
    """The boxes of a ring have not run for long enough what is to go on to the next."""

    code = "not_proved"


class StatusRejected(SidewallError):
    """What lies in the inventory under the name of a box is not that box's word."""

    code = "status_rejected"


class ImageRefused(SidewallError):
    """An image or bundle is not signed by whom this box trusts, or is not what its digest says."""

    code = "image_refused"


class NotReady(SidewallError):
    """A component does not serve as it should.

    `component` is where the fault shows; None where it is the whole path that fails.
    """

    code = "not_ready"

    def __init__(self, component: str | None, reason: str) -> None:
        self.component = component
        super().__init__(f"{component or 'the whole path'}: {reason}")


class WentBack(SidewallError):
    """What was new did not hold: the box runs what it ran before."""

    code = "went_back"


class JournalRejected(SidewallError):
    """What an agent remembers is damaged."""

    code = "journal_rejected"


class HostFailed(SystemFailed):
    """A program of the host, podman or systemctl, ended with a failure or not in time."""

    what = "it failed"
    remedy = "look at `journalctl` and `podman events` of that moment"


class AgentTaken(SidewallError):
    """Another agent is at work on this box."""

    code = "agent_taken"
