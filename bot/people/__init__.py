"""Who is who: the directory, API keys, sessions.

Others use `People`, `ApiKeys` and `Sessions`. Secrets are kept as hashes, and nobody is guessed from a name.
"""
