"""`python -m tests.preloaded` imports the whole program once and forks for each command it is asked to run.

Half a second of every short command is Python reading modules. `pytest --quick` saves that and nothing else: a command
still is a process of its own, with its own folder, environment, output and exit code. CI starts each one anew.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import NoReturn

ROOT = Path(__file__).parents[1]
OPTIONAL = ("c2pa", "matplotlib", "pyarrow")
#: What others import at the first connection and at the first picture.
LATE = (
    *("anyio._backends._asyncio", "anyio.streams.tls", "concurrent.futures.thread", "encodings.idna"),
    *(f"PIL.{each}ImagePlugin" for each in ("Bmp", "Gif", "Jpeg", "Png", "Ppm")),
)


class Preloaded:
    """The other end: starts that process, asks it for one command after the other, and ends it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="preloaded-")

    def __enter__(self) -> Preloaded:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.preloaded"],
            cwd=self._folder.name, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.communicate(timeout=10)  # the end of its input is its end
        self._folder.cleanup()

    def run(
        self, arguments: list[str], folder: Path, environment: dict[str, str], timeout: int
    ) -> subprocess.CompletedProcess[str]:
        """As `subprocess.run` with the command's text captured."""
        command = ["archiver", *arguments]
        streams = [Path(self._folder.name, name) for name in ("out", "err")]
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(json.dumps([command, str(folder), environment, timeout, [*map(str, streams)]]), file=self._server.stdin)
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        if code == -signal.SIGALRM:
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, code, *(each.read_bytes().decode() for each in streams))


def _imported() -> list[str]:
    """All modules of the program, and what any of them imports, also late; but nothing that only some people have."""
    names = set()
    for file in (ROOT / "archiver").rglob("*.py"):
        names.add(".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                names |= {each.name for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return sorted(name for name in names if name.partition(".")[0] not in OPTIONAL and not name.endswith("__main__"))


def _serve() -> None:
    for name in (*_imported(), *LATE):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from archiver.articles import screen

    # A third of a second each time: the expressions that every article is screened with.
    screen.references()
    screen.structure()
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _run(*json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(command: list[str], folder: str, environment: dict[str, str], timeout: int, streams: list[str]) -> NoReturn:
    code: object = 1
    try:
        signal.alarm(timeout)
        for number, name in enumerate((os.devnull, *streams)):
            opened = os.open(name, os.O_RDWR | (os.O_CREAT | os.O_TRUNC if number else 0), 0o600)
            os.dup2(opened, number)
            os.close(opened)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        sys.argv = command
        from archiver.cli import main

        code = main(command[1:])
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve()
