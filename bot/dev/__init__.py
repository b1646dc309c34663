"""`sayso dev`: everything in one process, with a demo to deploy and its site.

Used by the command line. Nothing of it is part of a production process.
"""
