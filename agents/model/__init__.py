"""The model that chooses steps: one call, the answer read as a step, its price, and what to do when it fails.

Others use `protocol` (`Model`, `Chosen`, `Failed`), `makers.make`, `rules.Rules`, `reply.tools_hash` and `system_text`,
`failures` and `prices`. Nothing here executes a step or waits: a failure is an answer, and the bot decides when to try
again.
"""
