"""The release agent: a deploy, then word of it. Plain code that starts two others.

The deploy has the gate of its environment. Announcing has none: `[announce]` says who hears it, and nobody else does.
"""

from agents import Agent
from agents.announce import ANNOUNCE
from agents.command import Release, all_the_same, failed, parse
from agents.run import Result, Run
from agents.starting import START_RUN, live_below, start_run_tool
from agents.steps import CallTool, Done, Step
from agents.text import ends_of, quote
from language import say
from language.dates import in_words

RELEASE, DEPLOY = "release", "deploy"
_SUMMARY_CHARS, _TOLD_CHARS = 2_000, (2_500, 500)


def release_agent(deploy: Agent, announce: Agent) -> Agent:
    """The agent that has `deploy` put something live, and `announce` say so once it is."""
    return Agent(
        name=RELEASE,
        description=f"{deploy.description}, and once it is live {announce.description}",
        prompt="",
        tools=(start_run_tool({agent.name: agent.description for agent in (deploy, announce)}, with_files=(DEPLOY,)),),
        fallback=next_step,
        takes=lambda text: isinstance(parse(text), Release),
        example=f"{deploy.example} and announce it",
        about=lambda: say("agent.about-release", deploy=deploy.for_people(), announce=announce.for_people()),
    )


def next_step(run: Run) -> Step:
    """Deploy; when that worked, announce what the deploy said of itself, and when; tell how both ended.

    What was live in another run's story may be so no longer, and is no news.
    """
    done = [one for one in run.results[run.copied :] if isinstance(one.step, CallTool)]
    if not done:
        declined = failed(say("agent.release-not-deployed", why=say("agent.declined")))
        start = _start(DEPLOY, _the_deploy(run))
        return all_the_same(run, lambda: say("agent.release-deploy"), start, declined)
    deployed, *more = done
    if deployed.kind != "ok":
        return failed(say("agent.release-not-announced", said=_said(DEPLOY, deployed)), live_below(run))
    if not more:
        announce = _start(ANNOUNCE, f"announce: {ends_of(_news(deployed), *_TOLD_CHARS)}")
        why, said = say("agent.declined"), _said(DEPLOY, deployed)
        kept = Done(summary=say("agent.release-kept-quiet", why=why, said=said), says_live=live_below(run))
        return all_the_same(run, lambda: say("agent.release-announce"), announce, kept)
    said = f"{_said(DEPLOY, deployed)} {_said(ANNOUNCE, more[0])}"
    said = said if more[0].kind == "ok" else say("agent.release-unheard", said=said)
    return Done(summary=said, says_live=live_below(run))


def _start(agent: str, text: str) -> CallTool:
    return CallTool(tool=START_RUN, arguments={"agent": agent, "text": text})


def deploy_in(command: object) -> str:
    """The command that is the deploy of a release alone; nothing for any other command."""
    return f"deploy {command.deploy.version} to {command.deploy.environment}" if isinstance(command, Release) else ""


def _the_deploy(run: Run) -> str:
    """The deploy alone; all of the text where that is no exact command, so that it is asked about."""
    return deploy_in(parse(run.text, run.started.requester if run.started else "")) or run.text


def _said(agent: str, result: Result) -> str:
    return say("agent.release-said", agent=agent, text=quote(result.text, _SUMMARY_CHARS))


def _news(deployed: Result) -> str:
    """What a deploy said of itself, with its moment: this run may be paused before it announces that."""
    ended_at = deployed.child.ended_at if deployed.child else None
    return say("agent.release-news", at=in_words(ended_at), said=deployed.text) if ended_at else deployed.text
