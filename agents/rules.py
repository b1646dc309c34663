"""What the plain rules of several agents share. Pure."""

from agents.run import Run
from agents.steps import Done, RequestHumanInput, Step

_NOT_READ = "What was written to this run since it began can't be read by plain rules, and may take the wish back."
DECLINED = "nobody said yes to the question whether to go on"


def failed(summary: str) -> Done:
    """The end of a run that did not do what was wished."""
    return Done(outcome="failed", summary=summary)


def answers(run: Run) -> dict[str, str]:
    """What people answered to the questions of a run, by question; the last answer where one was asked again."""
    return {
        result.step.question: result.text
        for result in run.results
        if isinstance(result.step, RequestHumanInput) and result.kind == "answered"
    }


def all_the_same(run: Run, what: str, step: Step, declined: Step) -> Step:
    """`step`, which nobody can take back; once somebody has written to the run, only after a yes to the question.

    `what` begins the question, such as "Announce it". Anything but a yes, also no answer, leads to `declined`.
    """
    question = f"{what} all the same? {_NOT_READ}"
    asked = [one for one in run.results if isinstance(one.step, RequestHumanInput) and one.step.question == question]
    if asked and (asked[-1].kind != "answered" or asked[-1].text != "yes"):
        return declined
    if run.unheard:  # a yes says nothing of what was written after it was asked for
        return RequestHumanInput(question=question, format="yes_no")
    return step
