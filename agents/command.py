r"""The exact commands that are understood without a model. Pure.

    deploy VERSION to ENVIRONMENT [and announce it]
    rollback ENVIRONMENT [to VERSION]
    ask PEOPLE: QUESTION [| OPTION, OPTION, …] [| until DEADLINE]
    announce: TEXT
    help

One command is one line: the first line of a text, or the subject of a mail, whose text may repeat it. An announcement
is all that follows. PEOPLE are `person:NAME` and `group:NAME`, between commas or `and`; DEADLINE is in
`agents.ask.deadline`. Letter case does not matter. A greeting, the name of sayso or "please" may stand before, thanks
and a signature after. Anything more, or else, is no command: whoever wrote it is asked.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from agents.run import Result, Run
from agents.steps import CallTool, Done, RequestHumanInput, Step
from agents.text import strip_invisible
from language import in_all, in_each, say
from language.recorded import ending_of


@dataclass(frozen=True, slots=True)
class Deploy:
    """`deploy VERSION to ENVIRONMENT`, both as they were written."""

    version: str
    environment: str


@dataclass(frozen=True, slots=True)
class Release:
    """A deploy, and word of it to everybody in [announce]."""

    deploy: Deploy


@dataclass(frozen=True, slots=True)
class Rollback:
    """`rollback ENVIRONMENT`, with the version to go back to where one was named."""

    environment: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A survey, word for word; `until` is empty where no deadline was written."""

    people: tuple[str, ...]
    question: str
    options: tuple[str, ...] = ()
    until: str = ""


@dataclass(frozen=True, slots=True)
class Announce:
    """`announce: TEXT`, with its line breaks."""

    text: str


@dataclass(frozen=True, slots=True)
class Help:
    """`help`, or nothing but a greeting."""


Command: TypeAlias = Deploy | Release | Rollback | Ask | Announce | Help

# What is longer is no command, and no greeting comes after so much; an announcement may be as long as any text that a
# mail or a program may bring.
_TEXT_CHARS, _ANNOUNCED_CHARS = 4_000, 65_536
_NAME_WORDS, _NAME_CHARS = 3, 30

_SAYSO = r"(?:<@\w+>|@?sayso)"
_HELLO = r"(?:hi|hello|hey|hallo|dear|good (?:morning|afternoon|evening))"
_GREETING = rf"{_HELLO}(?: (?:there|all|team|everybody|everyone|{_SAYSO}))?"
_BEFORE = re.compile(
    rf"(?:{_GREETING}(?:\s*[,!.:]\s*|\s*\Z|\s*\n)|{_SAYSO}(?:\s*[,:]\s*|\s+|\Z)|please,?\s+)", re.IGNORECASE
)
_THANKS = r"(?:please|(?:many )?thanks|thank you|cheers)"
_AFTER = rf"(?:[,.!]*+\s++{_THANKS})*+\s*+[.!]*+"
_CLOSING = re.compile(
    r"(?:please|(?:many )?thanks|thank you|cheers|(?:(?:best|kind|warm) )?regards|best wishes|best|yours|sincerely)"
    r"(?:[,.!]+\s*(?P<name>.*)|)",
    re.IGNORECASE,
)
_DEVICE = re.compile(r"sent from my (?:iphone|ipad|android|mobile|phone)\.?", re.IGNORECASE)
_NAME = re.compile(rf"[^\W\d_](?:[^\W\d_]|['\u2019-]){{0,{_NAME_CHARS}}}\.?")

# No name has more; without a bound what it ends with would be looked for behind each of its characters.
_WORD = r"[^\s,;:!?()<>\"“”'|]{1,255}?"
_DEPLOY = re.compile(
    rf"deploy\s+(?P<version>{_WORD})\s+to\s+(?P<environment>{_WORD})(?P<told>,?\s+and\s+announce\s+it)?{_AFTER}",
    re.IGNORECASE,
)
_ROLLBACK = re.compile(
    rf"roll\s?back\s+(?P<environment>{_WORD})(?:\s+to\s+(?P<version>{_WORD}))?{_AFTER}", re.IGNORECASE
)
_REF = r"(?:person|group):[A-Za-z0-9][A-Za-z0-9._-]*"
_ASK = re.compile(
    rf"ask\s+(?P<people>{_REF}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+){_REF})*)\s*:\s*(?P<rest>.+)", re.IGNORECASE
)
_REFS = re.compile(_REF, re.IGNORECASE)
_UNTIL = re.compile(r"until\s", re.IGNORECASE)
_ANNOUNCE = re.compile(r"announce\s*:\s*(?P<text>\S.*)", re.IGNORECASE | re.DOTALL)
_HELP = re.compile(
    r"(?:[/?-]{0,2}help(?:\s+me)?|usage|commands|what can (?:you do|i (?:ask|do)(?: here)?)|\?)?"
    rf"(?:\s*+(?=[,.!?]))?+[.!?]*+{_AFTER}",
    re.IGNORECASE,
)
_VERB = re.compile(r"(?:(deploy)|(roll\s?back))(?![\w-])", re.IGNORECASE)
# People mark a name up in chat.
_MARKS = str.maketrans("", "", "`*")


def parse(text: str, by: str | None = None) -> Command | None:
    """The one command that `text` is, else None.

    `by` is the id of whoever wrote it: only that name may stand below the thanks. Without it any name may; so an agent
    is found, and the agent itself asks about the rest.
    """
    if len(text) > _ANNOUNCED_CHARS:
        return None
    if announce := _ANNOUNCE.fullmatch(_without_greeting(strip_invisible(text))):
        return Announce(announce["text"].strip())
    if not text.strip() or len(text) > _TEXT_CHARS:
        return None
    lines = said_lines(text, by)
    found = {_command(line) for line in lines}
    return found.pop() if len(found) == 1 else None


def is_order(text: str, by: str = "") -> bool:
    """Return whether `text` is by itself a complete order to deploy or to roll back, with no name below it but that of
    the id `by`.
    """
    return isinstance(parse(text, by), Deploy | Release | Rollback)


def verb_of(text: str) -> str:
    """`deploy` or `rollback` where `text` begins with it, whatever follows; else nothing."""
    found = _VERB.match(_without_greeting(strip_invisible(text[:_TEXT_CHARS])))
    return "" if found is None else "deploy" if found[1] else "rollback"


# A question that may be a wish counts as a wish: only these words, names after a preposition, and versions, are none.
_ASKS = re.compile(
    r"(?:what|which|who|when|where|how|is|are|was|were|has|did|does"
    r"|welche[rsn]?|wer|wann|wo|wie|seit|ist|sind|war|waren|hat|läuft)\b[^.!?;\n]*(?:\.\w[^.!?;\n]*)*\?",
    re.IGNORECASE,
)
_IN_QUESTIONS = re.compile(
    r"what|which|who|when|where|how|is|are|was|were|has|did|does|been|be|we|anybody|anyone|somebody|someone|it"
    r"|a|an|the|this|that|there|any|all|many|much|long|often|old|and|or|now|currently|right|today|yesterday|ago"
    r"|already|still|yet|ever|last|latest|newest|current|next|previous|before|since|not|really"
    r"|live|running|deployed|released|shipped|rolled|back|changed|changes?|passed|failed|healthy|well|fine|up|down"
    r"|versions?|commits?|tags?|releases?|ci|checks?|health|state|status|environments?|deployments?|differences?"
    r"|have|had|happen(?:ed)?|approved|denied|asked"
    r"|welche[rsn]?|wer|wann|wo|wie|seit|war|waren|ist|sind|hat|haben|läuft|laufen|wir|jemand|es|sie"
    r"|der|die|das|den|dem|ein|eine|und|oder|jetzt|gerade|aktuell|heute|gestern|schon|noch|zuletzt|letzte[rsn]?|lange"
    r"|viele|nicht|ausgerollt|worden|geändert|gesund|versionen|stand|umgebung(?:en)?",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?:in|on|of|for|from|between|auf|von|für)\s+[\w.-]+|\bto\s+\S*\d[\w.-]*|[^\s\d]*+\d\S*", re.IGNORECASE
)


def asks_only(run: Run) -> bool:
    """Return whether `run` is plainly to find something out: it began with one question that can be no wish.

    Not any more once somebody wrote more, or answered a question of the run: that may be a wish.
    """
    text = _without_greeting(strip_invisible(run.text[:_TEXT_CHARS]))
    if run.writers or any(isinstance(one.step, RequestHumanInput) for one in run.results):
        return False
    return bool(_ASKS.fullmatch(text)) and all(map(_IN_QUESTIONS.fullmatch, re.findall(r"\w+", _NAMED.sub(" ", text))))


def refs_of(text: str) -> tuple[str, ...]:
    """The `person:…` and `group:…` in `text`, each once."""
    return tuple(dict.fromkeys(_REFS.findall(text)))


def _without_greeting(text: str) -> str:
    text, place = text.strip(), 0
    while place < _TEXT_CHARS and (found := _BEFORE.match(text, place)):
        place = found.end()
    return text[place:].lstrip()


# One message is asked about in several ways, one after the other.
@lru_cache(maxsize=16)
def said_lines(text: str, by: str | None = None) -> tuple[str, ...]:
    """The lines that say something: no greeting, thanks, name or signature. One empty line for a greeting alone."""
    lines = [line.strip() for line in strip_invisible(text).splitlines() if line.strip()]
    dashes = lines.index("--") if "--" in lines else len(lines)
    # Anybody may draw these: what is no name below them, with a company's beside it, is said.
    name, *others = (part.strip() for part in "".join(lines[dashes + 1 : dashes + 2]).rstrip(",").split(","))
    if not name or (_is_name(name, by) and all(_is_name(one, None) for one in others)):
        lines = lines[:dashes]
    while len(lines) > 1 and _says_nothing(lines, by):
        lines.pop()
    said = tuple(map(_without_greeting, lines))
    return tuple(filter(None, said)) or said[:1]


def _says_nothing(lines: list[str], by: str | None) -> bool:
    """Return whether the last of `lines` thanks, or signs with a name below thanks."""
    closing = _CLOSING.fullmatch(lines[-1])
    if closing:
        return not closing["name"] or _is_name(closing["name"], by)
    above = _CLOSING.fullmatch(lines[-2])
    return bool(_DEVICE.fullmatch(lines[-1]) or (above and not above["name"] and _is_name(lines[-1], by)))


def _is_name(words: str, by: str | None) -> bool:
    """Return whether `words` can be how `by` signs: the first of them is in the id, and each begins with a capital."""
    names = words.split()
    if not 0 < len(names) <= _NAME_WORDS or not all(_NAME.fullmatch(one) and one[0].isupper() for one in names):
        return False
    return by is None or names[0].rstrip(".").casefold() in re.split(r"[^\w]+|_", by.casefold())


def _command(line: str) -> Command | None:
    plain = line.translate(_MARKS)
    if deploy := _DEPLOY.fullmatch(plain):
        named = Deploy(deploy["version"], deploy["environment"])
        return Release(named) if deploy["told"] else named
    if back := _ROLLBACK.fullmatch(plain):
        return Rollback(back["environment"], back["version"])
    if ask := _ASK.fullmatch(line):
        return _ask(refs_of(ask["people"]), ask["rest"])
    return Help() if _HELP.fullmatch(plain) else None


def _ask(people: tuple[str, ...], rest: str) -> Ask | None:
    question, *more = (part.strip() for part in rest.split("|"))
    until = more.pop() if more and _UNTIL.match(more[-1]) else ""
    if "," in until and not more:  # "until Thursday, until Friday": options, or a deadline
        return None
    options = [option.strip() for option in more[0].split(",")] if more else []
    if not question or len(more) > 1 or (more and (len(options) < 2 or not all(options))):
        return None
    return Ask(people, question, tuple(dict.fromkeys(options)), until)


def failed(summary: str, says_live: Mapping[str, str] | None = None) -> Done:
    """The end of a run that did not do what was wished."""
    return Done(outcome="failed", summary=summary, says_live={**(says_live or {})})


def answer_to(run: Run, *questions: Callable[[], str]) -> str | None:
    """Return the answer to the first of `questions` that has one, in whichever language it was asked.

    Where a question was asked again its last answer counts.
    """
    for question in questions:
        asked = _asked(run, question)
        if answered := [one.text for one in asked if one.kind == "answered"]:
            return answered[-1]
    return None


def _asked(run: Run, question: Callable[[], str]) -> list[Result]:
    words = in_each(question)
    return [one for one in run.results if isinstance(one.step, RequestHumanInput) and one.step.question in words]


def after_refusal(refused: Result, ours: Step, end: Step) -> Step:
    """Return `ours` where a model had called for something else, before plain rules go on; else the `end`.

    What was refused has not happened, and what a model mistook is not what was asked for.
    """
    return end if ours == refused.step else ours


def last_worked(run: Run) -> Result | None:
    """Return the last call that worked, which a model may have made before plain rules go on; None without one."""
    return next((one for one in reversed(run.results) if isinstance(one.step, CallTool) and one.kind == "ok"), None)


def has_tried(run: Run) -> bool:
    """Return whether a call of a tool was made, however that went: none that people or code stopped before."""
    return any(isinstance(one.step, CallTool) and one.kind in {"ok", "error"} for one in run.results)


def is_none_of_these(label: str) -> bool:
    """Return whether `label` is the choice of nothing that was offered, in any language."""
    return label in in_all("agent.none-of-these")


def all_the_same(run: Run, what: Callable[[], str], step: Step, declined: Step) -> Step:
    """`step`, which nobody can take back; once somebody has written to the run, only after a yes to the question.

    `what` words the beginning of the question, such as "Announce it". Anything but a yes, also no answer, leads to
    `declined`.
    """

    def question() -> str:
        return say("agent.all-the-same", what=what())

    asked = _asked(run, question)
    if asked and (asked[-1].kind != "answered" or asked[-1].text != "yes"):
        return declined
    if run.unheard:  # a yes says nothing of what was written after it was asked for
        return RequestHumanInput(question=question(), format="yes_no")
    return step


_ENDS = {
    "ok": "agent.end-ok",
    "error": "agent.end-error",
    "answered": "agent.end-answered",
    "denied": "agent.end-denied",
    "revoked": "agent.end-revoked",
    "expired": "agent.end-expired",
    "withdrawn": "agent.end-withdrawn",
    "refused": "agent.end-refused",
}


def end_of(result: Result) -> str:
    """Return in one word how a step ended: `denied`."""
    return say(_ENDS[result.kind])


def how(result: Result) -> str:
    """Return how a step ended, and why where that is known: `denied: not on Friday`."""
    return f"{end_of(result)}: {ending_of(result.text)}" if result.text else end_of(result)
