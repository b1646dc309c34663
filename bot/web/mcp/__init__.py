"""The Model Context Protocol at `/mcp`: tools by which any agent asks people, each a few calls of the HTTP API.

`tools` has what there is, `calls` speaks the API as the key that came, `outcomes` and `tasks` say what became of a
request. `server` alone knows the official SDK; `endpoint` is what stands before it, and loads it when somebody with a
key first comes. `refusals` words what is refused before that.
"""
