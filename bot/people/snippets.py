"""What to paste for a fresh key that asks people: one call of the API, and lines for MCP clients. Pure."""

import json
import shlex
from dataclasses import dataclass

from bot.people.api_keys import ApiKey, people_in, policies_in


@dataclass(frozen=True, slots=True)
class Snippet:
    """The lines to paste `into` a program."""

    into: str
    text: str


def snippets_for(key: ApiKey, text: str, url: str) -> tuple[Snippet, ...]:
    """Return them filled in with the key's `text` and our address `url`; none for a key that may ask nobody."""
    if not (key.may("ask") or key.may("trigger")) or not key.may_ask() or not key.speaks_for():
        return ()
    url = url.rstrip("/")
    bearer = f"Authorization: Bearer {text}"
    curl = (
        f"curl -sS {shlex.quote(f'{url}/v1/requests')} -H {shlex.quote(bearer)} \\\n"
        f"    -H 'Content-Type: application/json' \\\n"
        f"    -d {shlex.quote(json.dumps(_wanted(key), ensure_ascii=False))}"
    )
    endpoint = f"{url}/mcp"
    claude = f"claude mcp add --transport http sayso {shlex.quote(endpoint)} --header {shlex.quote(bearer)}"
    server = {"type": "http", "url": endpoint, "headers": {"Authorization": f"Bearer {text}"}}
    return (
        Snippet("curl", curl),
        Snippet("Claude Code", claude),
        Snippet(".mcp.json", json.dumps({"mcpServers": {"sayso": server}}, indent=2)),
    )


def _wanted(key: ApiKey) -> dict[str, object]:
    """Return what the key may open first: a question to those it lists, else an approval under a policy it lists."""
    whom = people_in(key.may_ask())
    asks_for = key.speaks_for()
    named: dict[str, object] = {"requester": asks_for[0]} if not key.person and len(asks_for) > 1 else {}
    if whom:
        return {"question": "May staging-three go?", "to": whom[:1], "format": "yes_no", **named}
    policy = policies_in(key.may_ask())[0]
    return {"title": "Delete staging-three", "policy": policy, "arguments": {"name": "staging-three"}, **named}
