"""What can go wrong that cannot be recorded as a finding: one tree, so a caller can catch at the right height.

An absent post is not here: absence is an `Outcome` (see `model`). Every message names the thing, the cause and what to
do next, because the command line prints it as it is.
"""

from __future__ import annotations

from typing import Any


class ArchiverError(Exception):
    """Anything this program says in one sentence instead of a traceback. `exit_code` is what a command ends with."""

    exit_code = 2


class ConfigError(ArchiverError):
    """The configuration cannot be used: names the file, the line and the key."""


class InputError(ArchiverError):
    """An article (or a data set of them) cannot be read: missing, a directory, binary, empty, too large, too deep."""


class ArchiveError(ArchiverError):
    """`archive.db` cannot be used."""

    exit_code = 3


class NotAnArchive(ArchiveError):
    """The file is not an archive of ours, or is damaged."""


class NewerArchive(ArchiveError):
    """The archive was written by a later version of this program."""


class ArchiveBusy(ArchiveError):
    """Another process is writing this archive."""

    exit_code = 4


class ArchiveFull(ArchiveError):
    """The disk (or the file) can take no more; nothing acknowledged is lost."""

    exit_code = 5


class FetchError(ArchiverError):
    """No answer to store: silence, not a status. Thrown into the look-up that asked, which may go on without it.

    `url` is the hop that got no answer, `captures` (of `model.Capture`) the redirects that had been answered before
    it: facts to keep."""

    def __init__(
        self, message: str, *, reason: str = "unreachable", url: str | None = None, captures: tuple[Any, ...] = ()
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.url = url
        self.captures = captures


class Unreachable(FetchError):
    """No connection or no complete answer in time: name not found, refused, TLS failed, deadline over."""


class Refused(FetchError):
    """We did not ask: the address guard, the scheme, the port or a missing secret forbade it."""

    def __init__(
        self, message: str, *, reason: str = "address-refused", url: str | None = None, captures: tuple[Any, ...] = ()
    ) -> None:
        super().__init__(message, reason=reason, url=url, captures=captures)


class NotRecorded(FetchError):
    """Replaying, and the recording has no answer to this request."""

    def __init__(
        self, message: str, *, reason: str = "not-recorded", url: str | None = None, captures: tuple[Any, ...] = ()
    ) -> None:
        super().__init__(message, reason=reason, url=url, captures=captures)


class ParseError(ArchiverError):
    """Bytes that are not what the source promised. The capture stays; an improved parser can read it again."""


class Unproved(ArchiverError):
    """A signature, time stamp, proof or tile does not hold: names which, and what was expected."""

    exit_code = 6
