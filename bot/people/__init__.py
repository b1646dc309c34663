"""The people and what proves who they are: the directory, API keys, sessions.

Others use `People`, `Keyring` and `Sessions`. Secrets are kept as hashes, and nobody is guessed from a name.
"""
