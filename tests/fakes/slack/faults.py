"""Faults of the fake: what goes wrong when, and for how many calls."""

from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal[
    "error",  # `ok: false` with `error`, nothing done
    "http_500",  # nothing done
    "http_500_after",  # done, but the caller is told 500
    "ratelimited",  # 429 with `seconds` as Retry-After
    "hang",  # nothing done, never an answer
    "hang_after",  # done, never an answer: a time-out with the effect
    "slow",  # done after `seconds` of real time
    "cut",  # nothing done, connection cut
    "cut_after",  # done, connection cut
    "half_after",  # done, half of the answer
    "no_object_after",  # done, and JSON that is no object
    "no_end",  # done, and the answer names a next page, whichever it is
    "not_json",  # a page of HTML instead of JSON, as from a proxy
]
KINDS = get_args(Kind)


@dataclass
class Fault:
    """For the next `times` calls of `method` (`*` is every method), in `channel` only where one is given."""

    method: str
    kind: Kind
    times: int = 1
    error: str = "internal_error"
    seconds: float = 1
    channel: str | None = None
    needed: str = ""


@dataclass
class Faults:
    """Those still to come, and whether the network is there at all."""

    waiting: list[Fault] = field(default_factory=list[Fault])
    network_down: bool = False

    def take(self, method: str, channel: str | None) -> Fault | None:
        """The fault of this call, used up once."""
        for fault in self.waiting:
            if fault.method in (method, "*") and fault.channel in (None, channel):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None
