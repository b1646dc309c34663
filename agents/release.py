"""The release agent: a deploy, then word of it. Plain code that starts two others.

The deploy has the gate of its environment. Announcing has none: `[announce]` says who hears it, and nobody else does.
"""

import re
from collections.abc import Callable

from agents import Agent
from agents.announce import ANNOUNCE
from agents.rules import DECLINED, all_the_same, failed
from agents.run import Result, Run
from agents.starting import START_RUN, start_run_tool
from agents.steps import CallTool, Done, Step
from agents.text import ends_of, quote

RELEASE, DEPLOY = "release", "deploy"
# Each gap is read from its beginning alone, and once: a message may be 32 kB of them.
_AND_TELL = re.compile(
    r"(?<![\s,;.])[\s,;.]++(?:and|then)\s++(?:then\s++)?announce(?:\s++it)?\s*+[.!]*+\s*+\Z", re.IGNORECASE
)
_SUMMARY_CHARS, _TOLD_CHARS = 2_000, (2_500, 500)


def release_agent(deploy: Agent, announce: Agent) -> Agent:
    """The agent that has `deploy` put something live, and `announce` say so once it is."""
    return Agent(
        name=RELEASE,
        description=f"{deploy.description}, and once it is live {announce.description}",
        prompt="",
        tools=(start_run_tool({agent.name: agent.description for agent in (deploy, announce)}, with_files=(DEPLOY,)),),
        fallback=next_step,
        takes=takes(deploy.takes),
        example=f"{deploy.example} and announce it",
    )


def takes(is_a_deploy: Callable[[str], bool]) -> Callable[[str], bool]:
    """What is for this agent: a deploy that ends with "and announce it"."""
    return lambda text: _AND_TELL.search(text) is not None and is_a_deploy(without_word_of_it(text))


def next_step(run: Run) -> Step:
    """Deploy; when that worked, announce what the deploy said of itself; tell how both ended."""
    done = [one for one in run.results if isinstance(one.step, CallTool)]
    if not done:
        return all_the_same(
            run, "Deploy", _start(DEPLOY, without_word_of_it(run.text)), failed(f"Nothing is deployed: {DECLINED}")
        )
    deployed, *more = done
    if deployed.kind != "ok":
        return failed(f"Nothing is announced. {_said(DEPLOY, deployed)}")
    if not more:
        announce = _start(ANNOUNCE, f"announce: {ends_of(deployed.text, *_TOLD_CHARS)}")
        kept = Done(summary=f"It is live, and was not announced: {DECLINED}. {_said(DEPLOY, deployed)}")
        return all_the_same(run, "Announce it", announce, kept)
    worked = "" if more[0].kind == "ok" else "It is live, and could not be announced. "
    return Done(summary=f"{worked}{_said(DEPLOY, deployed)} {_said(ANNOUNCE, more[0])}")


def _start(agent: str, text: str) -> CallTool:
    return CallTool(tool=START_RUN, arguments={"agent": agent, "text": text})


def without_word_of_it(text: str) -> str:
    """The deploy alone; the same text where it does not end with "and announce it"."""
    return _AND_TELL.sub("", text)


def _said(agent: str, result: Result) -> str:
    return f"The {agent} agent: {quote(result.text, _SUMMARY_CHARS)}."
