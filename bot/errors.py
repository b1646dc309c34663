"""The errors that people read, by what their reader can do about them.

Channels raise ChannelError; agents raise ToolRefused; prompts raise PromptError. Everything else that a person or a
program is told is one of the six kinds below. The command line, the API and the console each map these six. What
they are told to do may be a `command`.
"""


class SaysoError(Exception):
    """Something sayso could not do: `what` happened, and what to `do` next. Both are sentences for people."""

    def __init__(self, what: str, do: str = "") -> None:
        super().__init__(f"{what.rstrip('.')}. {do}" if do else what)
        self.what, self.do = what, do


class NotFound(SaysoError):
    """No item has the given name."""


class Forbidden(SaysoError):
    """The caller may not do this; somebody else may."""


class Conflict(SaysoError):
    """The current state rules the request out."""


class Invalid(SaysoError):
    """The given input can't be used."""


class TookTooLong(SaysoError):
    """It computed for too long in one go, and was ended there; see `bot.computing`."""


class Unavailable(SaysoError):
    """The work can't be done at the moment, or on this machine as it is."""


class WaitsForFile(Unavailable):
    """It waits until the file of settings, which is only half taken, is right or confirmed."""


class RateLimited(Unavailable):
    """Too many, too fast; there is room again in `retry_after_s` seconds."""

    def __init__(self, what: str, do: str, retry_after_s: float) -> None:
        super().__init__(what, do)
        self.retry_after_s = retry_after_s


Failure = Conflict | Forbidden | Unavailable
"""Why one of several orders is not done."""


def add_failure(before: Failure | None, now: Failure) -> Failure:
    """Return what says both: of what is not done nothing is left unsaid. What is done again later says no more."""
    if before is None or isinstance(before, Unavailable):
        return before or now
    if isinstance(now, Unavailable):
        return now
    do = dict.fromkeys(one.do.rstrip(".") for one in (before, now) if one.do)
    return Conflict(f"{before.what.rstrip('.')}. {now.what}", ". ".join(do))
