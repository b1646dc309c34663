"""Settings of one's own Slack workspace. The tokens have the names that Slack's own tools know."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

DEFAULT_BASE_URL = "https://slack.com/api/"
"""The only place where Slack's host stands."""


class SlackSettings(BaseSettings):
    """Everything that can be set about Slack. Without a bot token there is no Slack."""

    slack_bot_token: SecretStr | None = Field(
        default=None, validation_alias="slack_bot_token", description="the app's bot token, xoxb-…"
    )
    slack_app_token: SecretStr | None = Field(
        default=None, validation_alias="slack_app_token", description="opens Socket Mode, xapp-…"
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None, validation_alias="slack_signing_secret", description="proves requests in HTTP mode"
    )
    slack_base_url: str = Field(default=DEFAULT_BASE_URL, description="where Slack's Web API answers")

    @field_validator("slack_base_url")
    @classmethod
    def _is_a_base_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError('an address such as "https://slack.corp.example/api/"')
        return url.rstrip("/") + "/"

    @property
    def has_slack(self) -> bool:
        """Whether people are reached in Slack."""
        return self.slack_bot_token is not None
