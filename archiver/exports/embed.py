"""Embeds that keep: HTML without script, to stand in an article where the platform's embed has died.

Each post is one `figure` that can be cut out and pasted: words, author, date, media as `data:` URIs. The page round
them exists so that the file can be opened and looked at.
"""

from __future__ import annotations

from typing import BinaryIO

from archiver.exports import Contents, Export, markup


def write(contents: Contents, out: BinaryIO) -> None:
    """A page with a `figure` for each post that was seen, and a line for each that was not."""
    markup.open_page(out, "Archived posts", "<p>Each frame can be cut out and pasted in place of a dead embed.</p>")
    for post in contents.posts():
        snapshot = markup.best(post)
        name = f"{post['platform']}:{post['id']}"
        if snapshot is None:
            out.write(
                f"<p>{markup.said(name)}: no copy is kept ({markup.text(post['state'])}, "
                f"{markup.text(post['reason'])}). {markup.link(post['url'], post['url'])}</p>\n".encode()
            )
            continue
        out.write(f'<figure class="archived-post" data-post="{markup.text(name)}">\n'.encode())
        markup.write_post(out, post, snapshot, contents)
        out.write(b"</figure>\n")
    markup.close_page(out)


EXPORT = Export("embed", ".embed.html", "script-free HTML that can replace dead embeds, media inline", write)
