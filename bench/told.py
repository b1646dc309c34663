"""What people were told of a run, everywhere, and what of it is not so by the events of the run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agents.events import Event, StepChosen, StepFailed, ToolFinished, ToolStarted
from agents.steps import is_by_model
from bench.stand_ins import END, OWN

# In front of a model's words there is one of these, not far away.
_LABELS = (
    "The model wrote", "A model's words", "a model wrote", "A model wrote", "The model of deploy asks",
    "the model's words", "declined to answer this run", "Unverified text",
)  # fmt: skip
_LABEL_WITHIN = 160
# What a server says of an error is not the model's, and stands behind its status.
_ERROR = re.compile(r"\b[45]\d\d [a-z_]*: \Z")
_JARGON = re.compile(
    r"\b(no_tool|many_tools|unknown_tool|bad_arguments|bad_body|rate_limited|too_long|not_sent|out_of_credit|stop_reason"
    r"|end_turn|tool_use|finish_reason|rehears\w*|Traceback|ValidationError|\w+Error|None|null|NoneType|StepFailed"
    r")\b"
)
# Of what a library of a maker says, operators read its name.
_LIBRARY = re.compile(r"(cannot reach the model|cannot be read): \w+Error")
# A model's words, all of them, and where they are cut at their end: up to the quotes that code puts around them.
_WHOLE = re.compile(rf"{OWN}(?:(?!{OWN}).)*?{re.escape(END)}")
_CUT = re.compile(rf"{OWN}[^”…]{{0,1500}}")
_LIVE = re.compile(r"\b(v\d+\.\d+\.\d+)(?: \([0-9a-f]{7,40}\))? is (?:now )?live in (production|staging)")
_DONE = re.compile(r"\b(Done: |Done ok|Done\. )")
_APPROVED = re.compile(r"\b(Approved by|approved by|approved on|approves by|was approved|Approved on)\b")
_DENIED = re.compile(r"\b([Dd]enied by|denies by|denied on|was denied)\b")
_NO_ANSWER = re.compile(r"The model (did not answer|gave no step)|no step from ")
_RULES = re.compile(r"Fixed rules chose|fixed rules chose|goes on by fixed rules")


@dataclass(frozen=True)
class Sight:
    """One thing that a person saw."""

    place: str
    text: str

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


@dataclass
class Truth:
    """What happened in a run, and what people did to it."""

    wish: str
    events: Sequence[Event]
    lives: set[tuple[str, str]]
    """Each version and where it was live at some time of the run."""
    approved: bool = False
    denied: bool = False
    changed: set[str] = field(default_factory=set[str])
    """The environments whose site changed."""

    @property
    def deployed(self) -> bool:
        """Whether a deploy of it succeeded by the event log."""
        begun = {one.attempt_id for one in self.events if isinstance(one, ToolStarted) and one.tool == "deploy"}
        return any(isinstance(one, ToolFinished) and not one.error and one.attempt_id in begun for one in self.events)

    @property
    def failed(self) -> bool:
        """Whether the model gave no step at some time."""
        return any(isinstance(one, StepFailed) for one in self.events)

    @property
    def by_rules(self) -> bool:
        """Whether plain rules chose a step."""
        return any(isinstance(one, StepChosen) and not is_by_model(one.call) for one in self.events)


def untrue(sight: Sight, truth: Truth) -> Iterator[str]:
    """Each thing that is wrong in it."""
    words = sight.words
    for found in re.finditer(OWN, words):
        near = words[max(0, found.start() - _LABEL_WITHIN) : found.start()]
        if not any(label in near for label in _LABELS) and not _ERROR.search(near):
            yield f"a model's words without a label: …{near[-60:]}{OWN}…"
    bare = _without_its_words(words)
    for found in _JARGON.finditer(bare):
        yield f"jargon: {_around(bare, found)}"
    for found in _LIVE.finditer(bare):
        if (found[1], found[2]) not in truth.lives:
            yield f"it was never live there: {_around(bare, found)}"
    claims: Mapping[re.Pattern[str], bool] = {
        _DONE: truth.deployed,
        _APPROVED: truth.approved,
        _DENIED: truth.denied,
        _NO_ANSWER: truth.failed,
        _RULES: truth.by_rules or truth.failed,
    }
    for claim, is_so in claims.items():
        if not is_so and (found := claim.search(bare)):
            yield f"it is not so: {_around(bare, found)}"


def _without_its_words(words: str) -> str:
    words = _WHOLE.sub("[its words]", _LIBRARY.sub("", words))
    return _CUT.sub("[its words]", words)


def _around(words: str, found: re.Match[str]) -> str:
    return f"…{words[max(0, found.start() - 70) : found.end() + 70]}…"
