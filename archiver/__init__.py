"""archiver: find the social posts that articles show, and keep them with proof of what was seen."""

__version__ = "0.1.0"
