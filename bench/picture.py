"""How long it takes to find a picture again among 100,000: python bench/picture.py [PICTURES].

The whole of what `archiver lookup picture.jpg` does beyond starting: decoding and hashing the file, and comparing it
with every hash kept. Median of 9, warm cache; importing the decoder is said apart, as each process pays it once.
"""

from __future__ import annotations

import io
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from archiver import picture
from archiver.model import Body
from archiver.store import Writer, opinions, search
from bench.lookup import NOW


def photo(rng: random.Random, size: tuple[int, int]) -> Body:
    """A JPEG with something in it."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for _ in range(120):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        draw.ellipse((x, y, x + rng.randrange(20, 300), y + rng.randrange(20, 300)), tuple(rng.randbytes(3)))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return Body.of(out.getvalue())


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rng = random.Random(1)
    body = photo(rng, (3000, 2000))
    began = time.perf_counter()
    picture.likeness(photo(rng, (64, 64)))
    print(f"importing the decoder and the hash  {(time.perf_counter() - began) * 1000:6.0f} ms")
    hashing, reading, comparing = [], [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        Writer(Path(folder) / "archive.db", holder="pid 0 on bench", now=lambda: NOW) as writer,
    ):
        with writer.transaction() as db:
            for number in range(count):
                opinions.add_picture(db, f"{number:064x}", rng.randbytes(32))
        for _ in range(9):
            began = time.perf_counter()
            seen = picture.likeness(body)
            assert seen is not None
            hashing.append(time.perf_counter() - began)
            began = time.perf_counter()
            writer.db.execute("SELECT sha256, pdq FROM picture").fetchall()
            reading.append(time.perf_counter() - began)
            began = time.perf_counter()
            search.alike(writer.db, seen.pdq, picture.SAME)
            comparing.append(time.perf_counter() - began)
    ratio = statistics.median(each / bare for each, bare in zip(comparing, reading, strict=True))
    print(f"hashing a picture of 6 megapixels   {statistics.median(hashing) * 1000:6.0f} ms")
    print(f"comparing it with {count} hashes  {statistics.median(comparing) * 1000:6.0f} ms, {ratio:.1f} times reading")


if __name__ == "__main__":
    main()
