"""What a fleet's office refuses to say, and what its boxes refuse to believe."""

from base.errors import SidewallError


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
