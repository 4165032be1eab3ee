"""The use cases, and the only place where the steps meet: articles in, posts and media archived, every step kept.

A `Job` takes articles in (bytes stored, then read), then drains what is due: embeds are resolved, posts are climbed
source by source, media are fetched. Each request's captures are on disk before anything reads them; each piece of
work ends in one transaction with its place in the queue. A kill between the two costs a repeated reading of captures
already kept, never a repeated request.
"""

from archiver.archive.job import Job
from archiver.archive.terms import ADDED, Article, Fetching, Listener, Rules, Watched

__all__ = ["ADDED", "Article", "Fetching", "Job", "Listener", "Rules", "Watched"]
