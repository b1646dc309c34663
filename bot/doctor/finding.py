"""The findings of the doctor: one line for each thing it examines."""

from typing import Literal

from agents.requests import Frozen

Sign = Literal["✓", "!", "✗"]


class Finding(Frozen):
    """One line: well, worth knowing, or wrong with a fix."""

    sign: Sign
    what: str
    fix: str = ""
