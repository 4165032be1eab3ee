"""A generated world with an answer key: does the whole path find the right post, for every kind of embed and trouble?

    python -m tests.world                          # seeds 1 to 3, 20,000 posts and 5,000 articles each; prints figures
    python -m tests.world --seed 7 --articles 300  # a small one
    python -m tests.world --seed 7 --articles 300 --show 12   # one article alone: key, embeds, every request

`generate` makes posts, their fates, their captures in the Wayback Machine and articles that show them, all from one
seed; `key` says for each embed which post it truly shows and, by brute force over all that the simulated hosts can
show, whether that suffices; `run` drives the real path in process; `figures` compares the two.

Generator and key follow PLATFORMS.md and PEERS.md of the shared collection. Who wrote them had not read the resolver.
"""
