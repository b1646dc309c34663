"""Read models: lists, what waits for a person, App Home, what is live, and how a rebuild makes them again.

Others use `lists`, `Live`, `StoredRequests`, `HomeDrawing`, `seen` and `rebuild`. Nothing decides by what it shows.
"""
