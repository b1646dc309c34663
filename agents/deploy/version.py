"""Read which version is meant from what was said and from the versions there are. What is open is asked. Pure."""

from dataclasses import dataclass

from agents.deploy import names as naming
from agents.deploy.facts import shown
from agents.deploy.names import is_latest
from agents.deploy.repository.git import is_hash
from agents.deploy.results import live_label, read_commit
from agents.run import Run
from agents.steps import RequestHumanInput
from agents.text import quote
from language import say

VERSIONS = "Versions"
_OFFERED, _SAID_CHARS = 10, 100
_QUOTES = str.maketrans("", "", '`*"\u201c\u201d')


def versions_label(environment: str) -> str:
    """The label of the fact that lists the versions there are for an environment."""
    return f"{VERSIONS} for {environment}"


def meant_label(word: str, environment: str) -> str:
    """The label of the fact that says which tag `word`, which is none itself, can only stand for."""
    return f"Meant by {quote(word, _SAID_CHARS)} for {environment}"


@dataclass(frozen=True, slots=True)
class Known:
    """The versions there are, newest first, as far as a run knows them; `is_whole`: there are no others."""

    names: tuple[str, ...] = ()
    is_whole: bool = False

    def has_no(self, word: str) -> bool:
        """Return whether `word` is certainly none of them; a list that was cut off doesn't say, and holds no hashes."""
        if word in self.names or is_hash(word):
            return False
        return self.is_whole or is_latest(word)

    def is_open(self, word: str) -> bool:
        """Return whether `word`, which is none of them, may mean one all the same: then its writer has to say which."""
        return is_latest(word) or f"v{word}" in self.names


def known_for(run: Run, environment: str) -> Known:
    """Return the versions that were looked up; nothing where that failed."""
    text = _fact(run, versions_label(environment))
    if text is None:
        return Known()
    names = text.split(", ")
    versions = tuple(name for name in names if not name.startswith(("and ", "(")))
    return Known(versions, is_whole=not any(name.startswith("and ") for name in names))


def read_as(run: Run, word: str, environment: str) -> str:
    """The version that `word` stands for: itself, unless only one other name can be meant by it."""
    return _fact(run, meant_label(word, environment)) or word


def named_in(run: Run) -> str | None:
    """The one version there is anywhere that the text of `run` names; None for none or several."""
    labels = tuple(fact.label.removeprefix(f"{VERSIONS} for ") for fact in run.facts or ())
    names = [name for environment in labels for name in known_for(run, environment).names]
    return naming.named_in(run.text, names)


def word_of(text: str) -> str | None:
    """The one word that `text` is; None when it is more or less than that."""
    words = text.translate(_QUOTES).strip().rstrip(".!").split()
    return words[0] if len(words) == 1 else None


def which(run: Run, environment: str, *, is_back: bool) -> RequestHumanInput:
    """The question for a version: a choice among those there are, for a way back those before the live one."""
    names = known_for(run, environment).names
    if not is_back:
        return _choice(which_version(), names)
    return _choice(say("deploy.which-back", environment=environment), _before(run, environment, names))


def which_version() -> str:
    """Word the question for a version where no environment was named."""
    return say("deploy.which-version")


def which_to(run: Run, environment: str) -> RequestHumanInput:
    """The same for words that are no exact command."""
    return _choice(say("deploy.which-version-to", environment=environment), known_for(run, environment).names)


def which_instead(run: Run, environment: str, said: str) -> RequestHumanInput:
    """The same, where what was said is not one of them."""
    unclear = say("deploy.no-one-version", said=quote(said, _SAID_CHARS), environment=shown(environment))
    return _choice(f"{unclear} {which_version()}", known_for(run, environment).names)


def _choice(question: str, names: tuple[str, ...]) -> RequestHumanInput:
    if not names:
        return RequestHumanInput(question=question)
    options = (*names[:_OFFERED], say("agent.none-of-these"))
    return RequestHumanInput(question=question, format="choice", options=options)


def _before(run: Run, environment: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The versions before the live one, the next one first; all but the live one where its place is not known."""
    live = read_commit(_fact(run, live_label(environment)) or "")
    tags = live.tags if live else ()
    places = [place for place, name in enumerate(names) if name in tags]
    older = names[max(places) + 1 :] if places else ()
    return older or tuple(name for name in names if name not in tags)


def _fact(run: Run, label: str) -> str | None:
    return next((fact.text for fact in run.facts or () if fact.label == label), None)
