"""A storm: every process of an installation dies, stands still and is cut off while people decide in four ways.

`facts.py` is what is known from outside, `checker.py` judges by that alone, `plan.py` draws what happens from a seed,
`house.py` holds the processes and `weather.py` disturbs them, `people.py` are the people, `storm.py` is one storm.
"""
