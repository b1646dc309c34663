"""Hooks of coding agents at `/v1/hooks/NAME`: what an agent may do next is asked of people, and a yes is used once.

`programs` has what each agent sends and reads, `card` what people are shown of a call. `endpoint` asks, waits and
begins, each by a few calls of the HTTP API.
"""
