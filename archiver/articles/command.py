"""`archiver extract`: the embeds of articles, without a database and without a network."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys


def main(argv: list[str] | None = None) -> int:
    """Run the command. 0: something was found; 1: nothing was; 2: the command line or an input could not be read."""
    parser = argparse.ArgumentParser(prog="archiver extract")
    parser.add_argument("articles", nargs="+", metavar="ARTICLE")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    from archiver.articles import as_json, embeds
    from archiver.errors import InputError

    code = 1
    for path in options.articles:
        try:
            found = embeds(pathlib.Path(path).read_bytes(), location=path)
        except (InputError, OSError) as error:
            print(error, file=sys.stderr)  # noqa: T201
            code = 2
            continue
        for embed in found:
            code = code if code == 2 else 0
            sys.stdout.write(json.dumps(as_json(path, embed), ensure_ascii=False) + "\n")
    return code
