"""The fake seen from a test: `running()` starts one, `Workspace` makes people do things and shows what they see.

with running() as address:
async with Workspace(address) as slack:
anna = await slack.person("anna")
await slack.channel("ops", anna, slack.bot)
asked = await anna.says("#ops", "@sayso deploy v1.2.0 to production")
card = await slack.message(in_=asked, containing="Deploy")
pressed = await anna.presses("Approve", in_=card)
"""

from tests.fakes.slack.driver.person import HOME, Handled, Person
from tests.fakes.slack.driver.server import running
from tests.fakes.slack.driver.sight import Message, Shown
from tests.fakes.slack.driver.workspace import Workspace

__all__ = ["HOME", "Handled", "Message", "Person", "Shown", "Workspace", "running"]
