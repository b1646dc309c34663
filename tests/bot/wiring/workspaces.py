"""An installation of sayso beside a fake Slack: its environment, its file, and what the doctor says of it."""

from dataclasses import dataclass
from pathlib import Path

from bot.config.settings import Settings
from bot.doctor.finding import Finding
from bot.doctor.slack import examine_slack
from tests.bot.config_files import read
from tests.fakes.slack.driver import Workspace

PEOPLE = """
[people.anna]
name = "Anna Ames"
slack = "U01ANNA"
email = "anna@corp.example"
[people.bo]
name = "Bo Berg"
slack = "U01BO"
email = "bo@corp.example"
groups = ["release"]
"""

POLICY = """
[policies.production]
approvers = ["group:release"]
expires_after = "4h"
"""


@dataclass(frozen=True)
class Office:
    """`folder` holds its sayso.toml; `slack` is its workspace."""

    folder: Path
    slack: Workspace

    @property
    def environ(self) -> dict[str, str]:
        """Both tokens, and where Slack is."""
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SAYSO_SLACK_BASE_URL": self.slack.base_url,
        }

    async def moves_in(self) -> None:
        """Anna and Bo are members, and so is sayso of #release."""
        anna = await self.slack.person("anna", id="U01ANNA", real_name="Anna Ames")
        bo = await self.slack.person("bo", id="U01BO", real_name="Bo Berg")
        await self.slack.channel("release", anna, bo, self.slack.bot)

    def settings(self, text: str = PEOPLE + POLICY, **changes: str) -> Settings:
        """Return the settings that a process reads."""
        return read(self.folder, text, **(self.environ | changes))

    async def findings(self, text: str = PEOPLE + POLICY, **changes: str) -> list[Finding]:
        """Return what the doctor says of Slack."""
        return [finding async for finding in examine_slack(self.settings(text, **changes))]

    async def found(self, about: str, text: str = PEOPLE + POLICY, **changes: str) -> Finding:
        """The one thing that it says with `about` in it."""
        every = await self.findings(text, **changes)
        matching = [finding for finding in every if about in finding.what]
        assert len(matching) == 1, every
        return matching[0]
