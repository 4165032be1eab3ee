"""A newsroom in simulated time: feeds, articles, posts that die, hosts that fail, and the real path over all of it.

`python -m tests.newsroom --days 90` (or `make newsroom DAYS=90`) prints the figures of docs/operate.md.
"""
