"""Hooks of coding agents at `/v1/hooks/NAME`: they ask people whether an agent may use a tool, and use each yes once.

`endpoint` asks, waits and begins, each by a few calls of the HTTP API. `programs` has what each agent sends and reads,
`card` what people see of a call, and `questions` the form for what an agent asks its user.
"""
