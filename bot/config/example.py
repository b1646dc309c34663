"""What we write as TOML: the `sayso.toml` of a newcomer who has none, and values in files that people read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

EXAMPLE = """\
# Settings of sayso. A misspelt key is an error that says what was probably meant, so feel free to change things;
# then say that it was you: ./sayso trust.
# Durations are written "90s", "15m", "4h", "2d". The environment wins over this file: SAYSO_SHARDS=4, for example.
# Secrets never stand here; they come from the environment (ANTHROPIC_API_KEY, SAYSO_SECRET_KEY, …).

# Who may ask and who may decide. The name in brackets is how policies and the command line call them.
[people.anna]
name = "Anna Ames"
email = "anna@corp.example"
timezone = "Europe/Berlin"         # times on her cards are shown in it
# slack = "U01ABCDEF"              # her member id in Slack; `sayso people import slack` lists everybody's

[people.bo]
name = "Bo Berg"
email = "bo@corp.example"
timezone = "Europe/Stockholm"
groups = ["release"]               # a group exists when somebody is in it

[people.cy]
name = "Cy Cole"
email = "cy@corp.example"
timezone = "America/New_York"
groups = ["release"]

# What has to be agreed before something is done. Code asks these people; no model can skip or word the question.
[policies.production]
approvers = ["group:release"]      # or "person:bo", {all_of = [...]}, {any_of = [...]}
quorum = 1                         # how many of them; who asked does not count
reach = ["email"]                  # with Slack set up (docs/slack.md): ["slack", "email"], the first one that works
approve_by_email = true            # without it only a denial counts by mail
expires_after = "4h"               # nobody answered until then: nothing is done
execute_within = "15m"             # an older approval is not acted on
remind_after = ["30m", "2h"]       # who has not answered by then is reminded
# cards = "dm"                     # in Slack to each of them alone; else into the thread, with a mention

# What a coding agent on Anna's machine may do (`sayso connect`). It asks for her, and she may say yes herself. Her yes
# counts where that agent is not: it has a terminal and a key, and would approve itself by "cli" or "api".
[policies.coding-agent]
approvers = ["person:anna"]
requester_may_approve = true
answer_from = ["slack", "email", "console"]
reach = ["email"]
approve_by_email = true
expires_after = "4h"
execute_within = "1h"              # a yes that comes after the agent gave up counts for its next try

# Where the deploy agent may deploy to. Commands are lists, not shell lines; {commit} is always a full commit id.
[deploy.environments.production]
policy = "production"
repo = REPO
command = ["./deploy.sh", "{environment}", "{commit}"]
live = ["./live.sh", "{environment}"]   # prints the commit that is live
# What the card and the agent are told beside; each of these three may be left out.
ci = ["../ci.sh", "{commit}"]           # passed, failed, running or unknown, and why
last = ["../last.sh", "{environment}"]  # in one line: who deployed last, and when
health = ["../health.sh", "{environment}"]  # fails when what is live does not work: then a way back is offered

# Checks at GitHub in place of `ci`; with a workflow it deploys, in place of `command` (docs/deploy.md):
# [deploy.environments.production.github]
# repository = "corp/shop"         # asked with SAYSO_GITHUB_TOKEN
# workflow = "deploy.yml"

[deploy.environments.staging]
policy = "nobody is asked"         # in place of a policy: whoever may write to sayso deploys to staging
repo = REPO
command = ["./deploy.sh", "{environment}", "{commit}"]
live = ["./live.sh", "{environment}"]
health = ["../health.sh", "{environment}"]

# Who hears it when somebody writes "deploy v1.2.0 to production and announce it", or "announce: …". Also "slack:#NAME".
# [announce]
# to = ["group:release"]

# Who hears what nobody else can, such as a request that no mail could deliver.
[alerts]
to = ["person:anna"]

[limits]
triggers_per_person = "20/h"
"""


def example_toml(repo: Path) -> str:
    """The file's text, with `repo` as the git repository of both environments."""
    # A JSON string is a TOML basic string: both escape quotes, backslashes and control characters alike.
    return EXAMPLE.replace("REPO", json.dumps(str(repo), ensure_ascii=False))


def toml(value: object) -> str:
    """A value as TOML; strings, numbers and booleans are written as in JSON, except for DEL."""
    match value:
        case Mapping():
            table = cast("Mapping[str, object]", value)
            return "{" + ", ".join(f"{toml(key)} = {toml(one)}" for key, one in table.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(toml, cast("Sequence[object]", value))) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
