"""The findings of the doctor: one line for each thing it examines."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from agents.requests import Frozen

Sign = Literal["✓", "!", "✗", "–"]
State = Literal["ok", "note", "wrong", "not_tried"]

_STATES: Mapping[Sign, State] = MappingProxyType({"✓": "ok", "!": "note", "✗": "wrong", "–": "not_tried"})


class Finding(Frozen):
    """One line: well, worth knowing, wrong with a fix, or not tried."""

    sign: Sign
    what: str
    fix: str = ""

    @property
    def state(self) -> State:
        """The sign as a word, for programs."""
        return _STATES[self.sign]


def not_tried(what: str, why: str, fix: str = "") -> Finding:
    """Return the line that says what is set up and could not be tried from here, and why."""
    return Finding(sign="–", what=f"not tried: {what}: {why}", fix=fix)


def exit_code(findings: Sequence[Finding]) -> int:
    """1 where something is wrong, 2 where nothing is and something was not tried, else 0."""
    states = {finding.state for finding in findings}
    return 1 if "wrong" in states else 2 if "not_tried" in states else 0
