"""Settings of one's own Slack workspace. The tokens have the names that Slack's own tools know."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from agents.requests import CardsGo
from bot.config.tables import Place, Table
from channels.email.servers.endpoint import is_loopback

DEFAULT_BASE_URL = "https://slack.com/api/"
"""The only place where Slack's host stands."""

_BOT_TOKEN, _APP_TOKEN = "xoxb-", "xapp-"
# Slack's has 32.
_SECRET_CHARS = 16
_KINDS = {
    _BOT_TOKEN: "a bot token, which SLACK_BOT_TOKEN takes",
    _APP_TOKEN: "an app token, which SLACK_APP_TOKEN takes",
    "xoxp-": "a user token, which sayso has no use for",
    "xoxe": "a token that rotates, which sayso can't renew: turn token rotation off",
}
"""The kind of a token, by its prefix; https://docs.slack.dev/authentication/tokens."""


class SlackConfig(Table):
    """`[slack]`: where cards go in Slack."""

    cards: CardsGo = Field(
        default="thread",
        description="Where cards of a run with a thread in Slack go: `thread`, or `dm`, to each who is asked.",
    )
    shared_channels: tuple[Place, ...] = Field(
        default=(),
        description='Channels shared with another company in which cards may appear: "slack:#partners".',
    )


class SlackSettings(BaseSettings):
    """Everything that can be set about Slack. Without a bot token there is no Slack."""

    slack_bot_token: SecretStr | None = Field(
        default=None, validation_alias="slack_bot_token", description="The app's bot token, xoxb-…."
    )
    slack_app_token: SecretStr | None = Field(
        default=None, validation_alias="slack_app_token", description="The app-level token for Socket Mode, xapp-…."
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None,
        validation_alias="slack_signing_secret",
        description="The signing secret of the app, for HTTP mode.",
    )
    slack_base_url: str = Field(default=DEFAULT_BASE_URL, description="The address of Slack's Web API.")

    @field_validator("slack_bot_token")
    @classmethod
    def _is_a_bot_token(cls, token: SecretStr | None) -> SecretStr | None:
        return _begins(token, _BOT_TOKEN, "the Bot User OAuth Token of the app (OAuth & Permissions)")

    @field_validator("slack_app_token")
    @classmethod
    def _is_an_app_token(cls, token: SecretStr | None) -> SecretStr | None:
        return _begins(token, _APP_TOKEN, "an App-Level Token of the app (Basic Information)")

    @field_validator("slack_signing_secret")
    @classmethod
    def _is_no_token(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret and (kind := _kind(secret.get_secret_value())):
            raise ValueError(f"the Signing Secret of the app (Basic Information); this is {kind}")
        if secret and len(secret.get_secret_value().strip()) < _SECRET_CHARS:
            raise ValueError(
                f"the Signing Secret of the app (Basic Information); this has fewer than {_SECRET_CHARS} characters, "
                "and whoever guesses it could press every button"
            )
        return secret

    @field_validator("slack_base_url")
    @classmethod
    def _is_a_base_url(cls, url: str) -> str:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        if not is_safe or not parts.hostname or parts.query or parts.fragment:
            raise ValueError('an address such as "https://slack.corp.example/api/"; "http://" only on this machine')
        return url.rstrip("/") + "/"

    @property
    def has_slack(self) -> bool:
        """True if people are reached in Slack."""
        return self.slack_bot_token is not None

    @property
    def has_socket_mode(self) -> bool:
        """True if Slack delivers what people do over Socket Mode."""
        return self.has_slack and self.slack_app_token is not None

    @property
    def has_slack_http(self) -> bool:
        """True if Slack posts what people do to us."""
        return self.has_slack and self.slack_signing_secret is not None


def _begins(token: SecretStr | None, start: str, what: str) -> SecretStr | None:
    """`token` itself, if it begins so. Raises ValueError, which holds nothing of it."""
    if token is None or token.get_secret_value().startswith(start):
        return token
    kind = _kind(token.get_secret_value())
    raise ValueError(f"{what}, which begins with {start}" + (f"; this is {kind}" if kind else ""))


def _kind(value: str) -> str:
    return next((kind for begins, kind in _KINDS.items() if value.startswith(begins)), "")
