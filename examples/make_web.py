"""Record `examples/web.warc.gz`: what the simulated web answers when the example articles are archived.

    python examples/make_web.py

Everything in it is invented (see README.md). The recording is made by the program itself, over TLS, from the
simulator in `tests/simulator`; it needs what the tests need.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.simulator.serve import Authority, Web  # noqa: E402
from tests.simulator.world import World, gif, photo, video  # noqa: E402


def publish(world: World) -> None:
    """The posts that the example articles show."""
    crane = world.post(
        "porthavenlive",
        "Crane four has come down across the ferry berth. Nobody hurt & all sailings are on hold until noon.",
        media=[photo(960, 640, alt="A yellow crane lying across a jetty")],
        id="2027997810258870279",
        name="Porthaven Live",
        code="Kq3vTn81Lb",
    )
    world.post(
        "porthaven_port",
        "Timetable for the afternoon: boats at 14:00, 15:30 and 17:00. Tickets stay valid.",
        id="2028004810552246279",
        name="Port of Porthaven",
        reply_to=crane,
    )
    map_of_shelters = world.page(
        "https://aldern.example.org/shelters",
        "<!DOCTYPE html><title>Shelters</title><h1>Shelters</h1><p>The school and the town hall.</p>",
    )
    world.post(
        "rivergauge_wx",
        "The Aldern has risen 40 centimetres within the hour at the mill gauge.\n\n"
        "Please leave Weir Street now and take the hill road. Map of the shelters: https://t.co/7hYd2PzQwM",
        media=[video(480, 270, 2.0)],
        id="2044129820668854279",
        name="Aldern River Watch 🌊🌊",
        code="Vb9sXe40Ru",
        links={"7hYd2PzQwM": map_of_shelters},
    )
    world.post(
        "nordholm_kw",
        "Alle 34 Bewohner der Hallig sind sicher an Land. Der Leuchtturm bleibt heute dunkel.",
        media=[photo(640, 480, "png", alt="Ein Leuchtturm vor dunklen Wolken")],
        id="1971250844267446279",
        name="Küstenwache Nordholm",
        code="Zr5mWk72Hd",
        lang="de",
    )
    world.post(
        "valcrete_ville",
        "Les halles sont ouvertes ! Merci aux maçons, aux charpentiers et aux voisins patients.",
        media=[photo(800, 600), photo(600, 800, "webp")],
        id="2020063164363702279",
        name="Ville de Valcrête",
        code="Mx6cJf93Ts",
        lang="fr",
    )
    world.post(
        "lypivka_hromada",
        "Перші кроки новим мостом! Дякуємо всім, хто чекав.",
        media=[gif(320, 240)],
        id="2054109319787446279",
        name="Громада Липівка 🌻",
        code="Gd4nUy58Pw",
        lang="uk",
    )
    vanished = world.post(
        "delta_dispatch",
        "Third night in a row that lorries over the limit cross the Delta Bridge. "
        "We have written to the ministry twice.",
        media=[photo(720, 480, alt="Lorries on a bridge at night")],
        id="1821154697671606279",
        name="Delta Dispatch",
        code="Hw2pRb65Ny",
    )
    world.archive(vanished, dt.datetime(2024, 8, 8, 3, 14, tzinfo=dt.UTC))
    world.archive_media(vanished, dt.datetime(2024, 8, 8, 3, 15, tzinfo=dt.UTC))
    world.delete(vanished, dt.datetime(2024, 9, 1, tzinfo=dt.UTC))


def main() -> None:
    """Publish, record, and print the report of the recording run."""
    world = World()
    publish(world)
    recording = HERE / "web.warc.gz"
    recording.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority()
        with Web(world, authority, authority.write(Path(folder))) as web:
            config = Path(folder) / "config.toml"
            config.write_text(
                f"""
                archive = "example.db"
                example = true
                [[sources]]
                label = "examples"
                paths = ["{HERE / "articles"}"]
                [fetch]
                ca_file = "{web.ca_file}"
                allow_addresses = ["127.0.0.0/8"]
                allow_ports = [80, 443, {web.port}]
                [fetch.resolve]
                "*" = "127.0.0.1:{web.port}"
                [hosts."web.archive.org/cdx"]
                per_minute = 60000
                """
            )
            command = [sys.executable, "-m", "archiver", "run", "--once", "--config", str(config), "--record"]
            subprocess.run([*command, str(recording)], check=True, cwd=HERE.parent)
    sys.stdout.write(f"{recording}: {recording.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
