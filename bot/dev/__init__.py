"""`sayso dev`: everything in one process, with a demo to deploy and its site.

Others use `run_dev` and `Ports`: the command line alone does. Nothing of it is part of a production process.
"""
