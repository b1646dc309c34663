"""What needs no more of Slack than its tokens: the Web API, and whether what a process needs is set."""

from typing import TYPE_CHECKING

from bot.config_errors import ConfigError
from bot.settings import Settings

if TYPE_CHECKING:
    from channels.slack.api import Api

_HOW = "`sayso slack manifest` begins the set-up, README.md (Set up Slack) has the steps"


def slack_api(settings: Settings) -> "Api":
    """The Web API, with the bot token. Raises ConfigError when there is none."""
    # Every command loads this file, and few call Slack: its libraries take half a second.
    from channels.slack.api import Api  # noqa: PLC0415

    if settings.slack_bot_token is None:
        raise ConfigError([f"SLACK_BOT_TOKEN is not set: it is the Bot User OAuth Token of the app (xoxb-…). {_HOW}"])
    return Api(settings.slack_bot_token.get_secret_value(), settings.slack_base_url)


def check_socket_mode(settings: Settings) -> None:
    """Raises ConfigError where a token is missing that Socket Mode needs."""
    tokens = {"SLACK_BOT_TOKEN": settings.slack_bot_token, "SLACK_APP_TOKEN": settings.slack_app_token}
    missing = [name for name, token in tokens.items() if token is None]
    if not missing:
        return
    found = f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set"
    needs = "sayso slack needs the bot token (xoxb-…) and the app token (xapp-…)"
    over_http = ". Over HTTP it is not needed: sayso web takes what Slack posts" if settings.has_slack_http else ""
    raise ConfigError([f"{found}: {needs}{over_http}. {_HOW}"])
