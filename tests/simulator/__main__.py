"""Serve the scene until interrupted, and say how to reach it: `python -m tests.simulator`."""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import threading
from pathlib import Path

from tests.simulator.founding import ANTON, NOEL, texts
from tests.simulator.scene import populate, scene
from tests.simulator.serve import Authority, Web
from tests.simulator.world import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the CONNECT proxy (default: any free one)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--posts", type=int, default=0, help="so many more posts of seeded words")
    parser.add_argument("--article", type=Path, help="take the founding posts' texts from this article")
    parser.add_argument("--folder", type=Path, help="where the CA and a config go (default: a new one)")
    options = parser.parse_args()
    world = World(seed=options.seed)
    world.clock.set(dt.datetime.now(dt.UTC))
    shown = scene(world, *(texts(options.article.read_text()) if options.article else (NOEL, ANTON)))
    populate(world, options.posts)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="simulated-web-"))
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority()
    ca = authority.write(folder)
    with Web(world, authority, ca, options.port) as web:
        config = folder / "config.toml"
        config.write_text(
            "# The simulated web in place of the real one.\n"
            'archive = "simulated.db"\n'
            "example = true\n\n"
            "[fetch]\n"
            f'ca_file = "{ca}"\n'
            'allow_addresses = ["127.0.0.1/32"]\n'
            f"allow_ports = [80, 443, {web.port}]\n\n"
            "[fetch.resolve]\n"
            f'"*" = "127.0.0.1:{web.port}"\n'
        )
        print(f"proxy    {web.proxy_url}   (CONNECT, for any client: HTTPS_PROXY)")
        print(f"CA       {ca}   (REQUESTS_CA_BUNDLE, SSL_CERT_FILE)")
        print(f"TLS      127.0.0.1:{web.port}   (every name)")
        print(f"archiver run --once --config {config} ARTICLE")
        print()
        for post in (shown.founding.noel, shown.founding.anton, shown.deleted, shown.edited, *shown.thread):
            codes = f"   pic {post.code}" if post.code else ""
            print(f"{post.url}   {world.state(post)}{codes}")
        print("\nCtrl-C stops it; every request is shown.", flush=True)
        seen = 0
        try:
            while not threading.Event().wait(0.3):
                for exchange in world.log[seen:]:
                    print(exchange.response.status, exchange.request.method, exchange.request.url, flush=True)
                seen = len(world.log)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
