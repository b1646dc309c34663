"""What may take a wish back, put it off, or mean another one. Pure; rather once too often than once too few."""

import re
from collections.abc import Collection

_TAKEN_BACK = (
    "not no none nor never neither without unless except instead rather but however although though stop wait hold "
    "halt pause cancel abort skip dont cannot forget ignore disregard undo scratch oops nevermind sorry mistake wrong "
    "correction withdraw retract revoke back nope nah negative alarm joke joking kidding against objects object "
    "objection avoid refrain leave alone keep freeze frozen blocked"
)
_PUT_OFF = (
    "until till if whether when whenever once after afterwards before first then later soon tomorrow tonight weekend "
    "week month hour hours minutes eod next monday tuesday wednesday thursday friday saturday sunday postpone delay "
    "maybe perhaps possibly might should could would"
)
_ANOTHER = (
    "or also too both another other others else only actually ps pps wrote writes said says asked told example what "
    "why who how where"
)
_ELSEWHERE = (
    "nein nee nicht kein keine keinen nie niemals erst aber warte warten stopp wenn falls bis morgen oder sondern "
    "non não nao いいえ ne pas sauf mais attendez demain pero espera esperen sin"
)
_WORDS = re.compile(
    rf"\b(?:{'|'.join(f'{_TAKEN_BACK} {_PUT_OFF} {_ANOTHER} {_ELSEWHERE}'.split())})\b|n['\u2019]t\b", re.IGNORECASE
)
_VERBS = re.compile(
    r"(?<!\bthe )(?<!\bthis )(?<!\bour )(?<!\bnew )\b(?:deploy|release|ship|promote|revert|roll)", re.IGNORECASE
)
_TIMES = re.compile(r"\b\d{1,2}:\d\d\b|\b\d{1,2} ?(?:am|pm|h|uhr|o'clock)\b|\bat \d", re.IGNORECASE)
_VERSIONS = re.compile(r"\bv?\d+(?:\.\w+)+[\w+-]*|\bv\d\w*|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b", re.IGNORECASE)
# "Let me know once it is live" puts nothing off.
_TO_BE_TOLD = re.compile(
    r"\A(?:please )?let (?:me|us) know (?:(?:once|when|if) (?:it|that|this|there|anything)|if you need|how it)\b",
    re.IGNORECASE,
)

_SHORT_CHARS = (3, 4)


def is_doubtful(
    sentence: str, version: str | None, environment: str | None, environments: Collection[str], *, may_name_it: bool
) -> bool:
    """Whether `sentence`, beside the wish for these two, leaves open if that is still all that is wished.

    Who speaks of deploying in it may wish something more, except (`may_name_it`) in a heading or in a job's title.
    """
    told = _TO_BE_TOLD.sub("", sentence)
    words = {word.strip(".,;:!?()'").casefold() for word in sentence.split()}
    return (
        sentence.startswith(">")
        or sentence.endswith(":")
        or "?" in sentence
        or bool(_WORDS.search(told) or _TIMES.search(sentence))
        or bool(not may_name_it and _VERBS.search(sentence))
        or any(found != version for found in _VERSIONS.findall(sentence))
        or any(_may_name(word, name) for word in words for name in environments if name != environment)
    )


def _may_name(word: str, environment: str) -> bool:
    """Whether a word is the name of an environment, or its short form (`prod`); `product` is another word."""
    name = environment.casefold()
    return word == name or (len(word) in _SHORT_CHARS and name.startswith(word))
