"""Deploys by a command of this machine, which its own process sees through to the end."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from agents import CommandResult, Outcome, Pending, ToolContext
from agents.deploy.backends import Backend, Call, Examined
from agents.deploy.environment import Environment
from agents.deploy.lists import kept
from agents.deploy.lookup import LookFailed, is_cut
from agents.deploy.repository.programs import bound
from agents.deploy.variables import artifacts_of, facts_of, look_in, variables_of
from agents.requests import Effect, Fact
from agents.text import strip_invisible
from language import say
from language.recorded import start_of, text_of

PLAN_S = 120.0
"""Seconds within which `plan` says what would change."""
# The end of a log says why it ended.
_LAST_LINES, _LAST_CHARS = 20, 2_000
_PLAN_LINES, _PLAN_CHARS = 10, 1_000


@dataclass(frozen=True, slots=True)
class CommandBackend:
    """A `Backend` by the commands of an environment."""

    environment: Environment

    @property
    def server(self) -> str:
        """See `Backend`."""
        return ""

    async def live(self) -> str:
        """See `Backend`: what the command `live` prints."""
        return (await look_in(self.environment, self.environment.live_argv())).strip()

    async def prepare(self, commit: str) -> Call:
        """See `Backend`; what `plan` prints is bound by its SHA-256, as is whatever runs."""
        environment, folder = self.environment, self.environment.folder.absolute()
        planned, sha256 = await self._plan(commit)
        argv = environment.deploy_argv(commit, sha256)
        binding = await bound(environment.repo.absolute(), folder, argv, commit)
        variables = await artifacts_of(environment)
        return Call(
            argv=argv,
            artifacts={**dict(binding.artifacts), **variables, **({"plan": f"SHA-256 {sha256}"} if sha256 else {})},
            cwd=self._repository() if binding.commit else str(folder),
            commit=binding.commit,
            facts=(*planned, binding.fact, *facts_of(environment)),
        )

    async def start(self, effect: Effect, hands: ToolContext) -> Outcome | Pending:
        """See `Backend`: the command has ended when this returns."""
        environment = self.environment
        try:
            done = await hands.command(
                effect.argv,
                cwd=self._prepared_folder(effect),
                lock=environment.lock,
                timeout_s=environment.timeout_s,
                commit=effect.commit,
                variables=lambda: variables_of(environment),
            )
        except LookFailed as error:
            return Outcome("", error=text_of(str(error)))
        return self._outcome(done)

    async def look(self, handle: str, effect: Effect | None) -> Outcome | Pending:
        """See `Backend`: nothing of it is ever waited for outside."""
        raise LookFailed(f"a command has no handle {handle}")

    async def cancel(self, handle: str, effect: Effect) -> str:
        """See `look`."""
        raise LookFailed(f"a command has no handle {handle}")

    async def examine(self) -> tuple[Examined, ...]:
        """See `Backend`: the doctor looks at the programs of every environment itself."""
        return ()

    async def _plan(self, commit: str) -> tuple[tuple[Fact, ...], str]:
        """Return what `plan` says, for the card, and the SHA-256 of that; nothing where there is none."""
        if not self.environment.plan:
            return (), ""
        printed = await look_in(self.environment, self.environment.plan_argv(commit), PLAN_S)
        if is_cut(printed):
            raise LookFailed("`plan` prints more than can be kept beside an approval: let it print less")
        sha256 = hashlib.sha256(printed.encode()).hexdigest()
        lines = strip_invisible(printed).strip().splitlines()
        end = "\n".join(lines[-_PLAN_LINES:])[-_PLAN_CHARS:]
        return (kept(Fact(label="Plan", text=end or "nothing was printed"), lines),), sha256

    def _repository(self) -> str:
        """The repository as every machine calls it: by its address, if it has one, not by the path of our mirror."""
        remote = self.environment.remote
        return remote.url if remote else str(self.environment.repo.absolute())

    def _prepared_folder(self, effect: Effect) -> Path:
        """The folder, or the repository, that was prepared."""
        one = self.environment
        is_ours = one.remote is not None and effect.cwd == one.remote.url
        return (one.repo if effect.commit else one.folder) if is_ours else Path(effect.cwd)

    def _outcome(self, done: CommandResult) -> Outcome:
        """What came of it; of an error the first line is a sentence of ours, and below it is what was printed."""
        end = "\n".join(strip_invisible(done.output).rstrip().splitlines()[-_LAST_LINES:])[-_LAST_CHARS:]
        if done.exit_code == 0:
            return Outcome(end)
        program = self.environment.command[0]
        if done.exit_code is None:
            said = say("deploy.timed-out", program=program, limit=f"{self.environment.timeout_s:g} s")
        else:
            said, end = say("deploy.exit-code", program=program, code=done.exit_code), start_of(end)
        return Outcome(end, error=f"{said}\n{end}".rstrip(), printed=done.output)


def backend_of(environment: Environment) -> Backend:
    """What puts versions live there: the server that was configured, else the command."""
    return environment.backend or CommandBackend(environment)
