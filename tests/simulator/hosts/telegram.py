"""t.me and its file hosts: the page of the post widget, the preview page, the landing page (PLATFORMS.md 1.2 and 3.9).

`Shared.options`: views (as shown), reply_to and forwarded_from (of `Shared`), signature, is_edited, too_big (films are
not played), album (the ids its media stand under), poll, file (a title), preview (title, url), unseen (a label).
"""

from __future__ import annotations

import html
import re

from tests.simulator.exchange import Request, Response
from tests.simulator.exchange import html as page
from tests.simulator.networks import Shared
from tests.simulator.world import Medium, Photo, State, World

_PATH = re.compile(r"^/(?P<preview>s/)?(?P<channel>[A-Za-z]\w{3,31})/(?P<id>\d+)$", re.ASCII)


def text(value: str) -> str:
    """Text as the widget shows it: breaks, links, emoji in wrappers."""
    shown = html.escape(value, quote=False)
    shown = re.sub(
        r"https?://\S+", lambda url: f'<a href="{url[0]}" target="_blank" rel="noopener">{url[0]}</a>', shown
    )
    shown = re.sub(r"#(\w+)", r'<a href="?q=%23\1">#\1</a>', shown)
    shown = re.sub(
        "[\U0001f300-\U0001faff]",
        lambda found: (
            f'<i class="emoji" style="background-image:url(\'//telegram.org/img/emoji/40/{ord(found[0]):X}.png\')">'
            f"<b>{found[0]}</b></i>"
        ),
        shown,
    )
    return shown.replace("\n", "<br/>")


def _medium(post: Shared, medium: Medium, number: int, is_album: bool) -> str:
    channel = post.name.partition("/")[0]
    ids = post.options.get("album") or [post.name.partition("/")[2]]
    link = f"https://t.me/{channel}/{ids[number]}" + ("?single" if is_album else "")
    if isinstance(medium, Photo):
        kind = "tgme_widget_message_photo_wrap" + (" grouped_media_wrap blured js-message_photo" if is_album else "")
        return (
            f'<a class="{kind} {medium.id} 1_2" href="{link}" style="width:{medium.width}px;'
            f"background-image:url('{post.file(medium)}')\">"
            '<div class="tgme_widget_message_photo" style="padding-top:66%"></div></a>'
        )
    seconds = int(medium.seconds)
    still = f"background-image:url('https://cdn4.telesco.pe/file/{medium.key}-thumb.jpg')"
    clock = f'<time class="message_video_duration js-message_video_duration">{seconds // 60}:{seconds % 60:02}</time>'
    unseen = (
        '<div class="message_media_not_supported_wrap"><div class="message_media_not_supported">'
        '<div class="message_media_not_supported_label">Media is too big</div>'
        f'<a href="{link}" class="message_media_view_in_telegram">VIEW IN TELEGRAM</a></div></div>'
    )
    is_too_big = post.options.get("too_big")
    film = (
        ""
        if is_too_big
        else f'<video src="{html.escape(post.file(medium))}" class="tgme_widget_message_video"></video>'
    )
    return (
        f'<a class="tgme_widget_message_video_player{" not_supported" if is_too_big else ""} js-message_video_player" '
        f'href="{link}"><i class="tgme_widget_message_video_thumb" style="{still}"></i>'
        f'<div class="tgme_widget_message_video_wrap" style="width:{medium.width}px;padding-top:56.25%">{film}</div>'
        f"{clock}{unseen}</a>"
    )


def message(world: World, post: Shared) -> str:
    """One message in the markup that the widget and the preview page share."""
    channel = post.name.partition("/")[0]
    options = post.options
    parts = [
        f'<div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_owner_name" '
        f'href="https://t.me/{channel}"><span dir="auto">{html.escape(post.author)}</span></a></div>'
    ]
    if origin := options.get("forwarded_from"):
        parts.append(
            '<div class="tgme_widget_message_forwarded_from accent_color">Forwarded from&nbsp;'
            f'<a class="tgme_widget_message_forwarded_from_name" href="{origin.url}"><span dir="auto">'
            f"{html.escape(origin.author)}</span></a></div>"
        )
    if parent := options.get("reply_to"):
        parts.append(
            f'<a class="tgme_widget_message_reply user-color-default" href="{parent.url}">'
            f'<i class="tgme_widget_message_reply_thumb" style="background-image:url(\'https://cdn4.telesco.pe/file/r.jpg\')"></i>'
            f'<div class="tgme_widget_message_author accent_color">'
            '<span class="tgme_widget_message_author_name" dir="auto">'
            f"{html.escape(parent.author)}</span></div>"
            f'<div class="tgme_widget_message_text js-message_reply_text" dir="auto">{text(parent.text)[:60]}</div></a>'
        )
    media = [_medium(post, each, number, len(post.media) > 1) for number, each in enumerate(post.media)]
    if len(media) > 1:
        parts.append(
            '<div class="tgme_widget_message_grouped_wrap js-message_grouped_wrap">'
            '<div class="tgme_widget_message_grouped '
            'js-message_grouped"><div class="tgme_widget_message_grouped_layer js-message_grouped_layer">'
            f"{''.join(media)}</div></div></div>"
        )
    else:
        parts += media
    if poll := options.get("poll"):
        parts.append(
            f'<div class="tgme_widget_message_poll js-poll">'
            f'<div class="tgme_widget_message_poll_question">{poll}</div></div>'
        )
    if file := options.get("file"):
        parts.append(
            f'<a class="tgme_widget_message_document_wrap" href="{post.url}"><div class="tgme_widget_message_document">'
            f'<div class="tgme_widget_message_document_title" dir="auto">{file}</div>'
            '<div class="tgme_widget_message_document_extra" dir="ltr">2.1 MB</div></div></a>'
        )
    if post.text:
        body = f'<div class="tgme_widget_message_text js-message_text" dir="auto">{text(post.text)}</div>'
        if len(media) > 1:
            body = f'<div class="tgme_widget_message_text js-message_text" dir="auto">{body}</div>'
        parts.append(body)
    if preview := options.get("preview"):
        parts.append(
            f'<a class="tgme_widget_message_link_preview" href="{preview[1]}"><i class="link_preview_right_image" '
            f"style=\"background-image:url('https://cdn4.telesco.pe/file/p.jpg')\"></i>"
            f'<div class="link_preview_title" dir="auto">{preview[0]}</div></a>'
        )
    if label := options.get("unseen"):
        parts.append(
            '<div class="message_media_not_supported_wrap"><div class="message_media_not_supported">'
            f'<div class="message_media_not_supported_label">{label}</div></div></div>'
        )
    views = options.get("views")
    signature = options.get("signature")
    parts.append(
        '<div class="media_not_supported_cont"><div class="message_media_not_supported_wrap"><div '
        'class="message_media_not_supported_label">Please open Telegram to view this post</div></div></div>'
        '<div class="tgme_widget_message_footer compact js-message_footer"><div class="tgme_widget_message_info short '
        'js-message_info">'
        + (f'<span class="tgme_widget_message_views">{views}</span>' if views else "")
        + '<span class="copyonly"> views</span><span class="tgme_widget_message_meta">'
        + ("edited &nbsp;" if options.get("is_edited") else "")
        + (f'<span class="tgme_widget_message_from_author" dir="auto">{signature}</span>,&nbsp;' if signature else "")
        + f'<a class="tgme_widget_message_date" href="{post.url}"><time datetime="{post.created_at.isoformat()}" '
        f'class="time">{post.created_at:%H:%M}</time></a></span></div></div>'
    )
    return (
        f'<div class="tgme_widget_message text_not_supported_wrap js-widget_message" '
        f'data-post="{post.name}" data-view="x">'
        f'<div class="tgme_widget_message_user"><a href="https://t.me/{channel}">'
        '<i class="tgme_widget_message_user_photo">'
        '<img src="https://cdn4.telesco.pe/file/avatar.jpg"></i></a></div>'
        f'<div class="tgme_widget_message_bubble">{"".join(parts)}</div></div>'
    )


def _whole(body: str, title: str = "Telegram Widget") -> Response:
    return page(f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>")


def find(world: World, channel: str, id: str) -> Shared | None:
    """The message under that id, an album under any of its ids."""
    for post in world.shared_posts("telegram"):
        here, _, number = post.name.partition("/")
        if here.lower() == channel.lower() and id in (number, *map(str, post.options.get("album", ()))):
            return post
    return None


def embed(world: World, channel: str, id: str) -> Response:
    """The widget's page, status 200 whatever it has to say."""
    post = find(world, channel, id)
    known = {each.name.partition("/")[0].lower() for each in world.shared_posts("telegram")}
    if channel.lower() not in known:
        words = f'Channel with username <a href="https://t.me/{channel}">@{channel}</a> not found'
    elif post is None or world.fate(post) is not State.LIVE:
        words = "Post not found"
    else:
        return _whole(f'<div class="widget_frame_base">{message(world, post)}</div>')
    return _whole(
        '<div class="tgme_widget_message err_message"><div class="tgme_widget_message_bubble">'
        f'<div class="tgme_widget_message_error">{words}</div></div></div>'
    )


def telegram(world: World, request: Request) -> Response:
    found = _PATH.match(request.path)
    if not found:
        return page("", 404)
    if found["preview"]:
        posts = [post for post in world.shared_posts("telegram") if world.fate(post) is State.LIVE]
        shown = [post for post in posts if post.name.lower().startswith(f"{found['channel'].lower()}/")]
        wrapped = "".join(f'<div class="tgme_widget_message_wrap">{message(world, post)}</div>' for post in shown)
        return _whole(f'<section class="tgme_channel_history">{wrapped}</section>')
    if "embed" in request.query:
        return embed(world, found["channel"], found["id"])
    return _whole('<div class="tgme_page_wrap"><div class="tgme_page_title">A channel</div></div>', "Telegram: View")


HANDLERS = {"t.me": telegram, "telegram.me": telegram}
