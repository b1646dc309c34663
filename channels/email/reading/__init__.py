"""Read a mail into what it means: an answer to a card, a trigger, an inquiry, a bounce, or nothing.

The adapter uses `sandbox.SandboxedReader`, which reads each mail with `reader.Reader` in a child process within limits;
others use `inquiry`, `attachments` and `jsonlines`. Nothing here sends, stores or decides anything.
"""
