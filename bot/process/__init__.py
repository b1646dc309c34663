"""One process of the Procfile, from its start to a signal: what it composes, what it runs, how it logs.

Others use `processes` and `running`. It holds no rules of the product.
"""
