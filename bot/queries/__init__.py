"""Read models: lists, what waits for a person, App Home, what is live, and how a rebuild makes them anew.

Others read; nothing decides by what stands here.
"""
