"""config.toml: small, commented, every key with a default; whatever is wrong is named with its line."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver import config
from archiver.config import ArticleSource, Config, HostConfig, PlatformConfig, load, parse
from archiver.errors import ConfigError

SHIPPED = Path(__file__).parents[1] / "config.toml"


def wrong(source: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(source)
    return str(caught.value)


def test_an_empty_file_means_the_defaults():
    assert parse("") == Config()


def test_the_shipped_file_changes_nothing():
    assert load(SHIPPED, environ={}) == replace(Config(), archive=SHIPPED.parent / "archive.db")


def test_the_defaults_in_its_comments_are_the_defaults():
    uncommented = re.sub(r"(?m)^#(?! |$)", "", SHIPPED.read_text("utf-8"))
    assert uncommented != SHIPPED.read_text("utf-8")
    stated = parse(uncommented)
    assert stated.platforms == {"twitter": PlatformConfig()}
    assert replace(stated, platforms=Config().platforms) == Config()


def test_every_key_is_explained_in_the_shipped_file():
    text = SHIPPED.read_text("utf-8")

    def keys(record: type) -> list[str]:
        return [each.name for each in fields(record)]

    nested = [type(getattr(Config(), name)) for name in keys(Config)]
    records = [Config, ArticleSource, PlatformConfig, HostConfig, *filter(is_dataclass, nested)]
    for record in records:
        for key in keys(record):
            assert re.search(rf"(?m)^#? ?\[*(fetch\.)?{key}\b|\b{key} = ", text), key


def test_everything_can_be_said():
    said = parse(
        """
        archive = "/srv/posts.db"
        [operator]
        name = "Süd (News)"
        contact = "desk@newsroom.example"
        [[sources]]
        label = "wire"
        paths = ["in/*.html", "https://newsroom.example/feed.html"]
        every = "15m"
        [[sources]]
        label = "night"
        paths = ["/data"]
        cron = "*/15 * * * *"
        [fetch]
        timeout = "2.5s"
        max_page = "64 MB"
        proxy = "env:CORPORATE_PROXY"
        allow_addresses = ["127.0.0.0/8", "::1/128"]
        [fetch.resolve]
        "*" = "127.0.0.1:8443"
        [platforms.twitter]
        sources = ["syndication", "wayback"]
        [hosts."newsroom.example"]
        per_minute = 6
        """,
        Path("/etc/archiver/config.toml"),
    )
    assert said.archive == Path("/srv/posts.db")
    assert said.user_agent.endswith("(S?d News; +desk@newsroom.example)")
    assert said.sources[0].paths == ("/etc/archiver/in/*.html", "https://newsroom.example/feed.html")
    assert said.sources[0].every == dt.timedelta(minutes=15)
    assert said.sources[1].cron == "*/15 * * * *"
    assert said.fetch.timeout == dt.timedelta(seconds=2.5)
    assert said.fetch.max_page == 64_000_000
    assert [str(block) for block in said.fetch.allow_addresses] == ["127.0.0.0/8", "::1/128"]
    assert said.platforms["twitter"].sources == ("syndication", "wayback")
    assert said.hosts["newsroom.example"].per_minute == 6
    assert said.hosts["web.archive.org/cdx"].per_minute == 24  # the published limits stay


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("\n[fetch]\ntimout = '3s'\n", 3, ("fetch.timout", "fetch.timeout")),
        ("[fech]\n", 1, ("fech", "fetch")),
        ("timeout = '3s'", 1, ("timeout belongs in [fetch]",)),
        ("[media]\nx = 1", 2, ("media.x", "photos, videos")),
        ("[fetch]\n# note\ntimeout = 30", 3, ("fetch.timeout", "a whole number", '"30s"')),
        ("[fetch]\nmax_page = '64 megs'", 2, ("fetch.max_page", '"64 MB"')),
        ("[fetch]\nconnections = true", 2, ("fetch.connections", "true or false", "a whole number")),
        ("[fetch]\nconnections = 0", 2, ("fetch.connections", "the least is 1")),
        ("fetch = 3", 1, ("[fetch]",)),
        ("[fetch]\nallow_addresses = ['127.0.0.1/8']", 2, ("allow_addresses[1]", "127.0.0.0/8")),
        ("[fetch]\nallow_ports = [\n 80,\n 99999,\n]", 2, ("allow_ports[2]", "65535")),
        ("[fetch.resolve]\n'a.example' = '127.0.0.1'", 2, ('"a.example"', "127.0.0.1:8443")),
        ("[fetch]\nproxy = 'proxy.example'", 2, ("fetch.proxy", "http://proxy.example:3128")),
        (
            "[[sources]]\nlabel='a'\npaths=['x']\n\n[[sources]]\nlabel='b'\npathz=['y']",
            7,
            ("sources[2].pathz", "paths"),
        ),
        ("archive = 'x'\n[[sources]]\nlabel = 'a'", 2, ("sources[1]", "no paths")),
        ("[[sources]]\nlabel='a'\npaths=['x']\nevery='1h'\ncron='* * * * *'", 5, ("both every and cron",)),
        ("[[sources]]\nlabel='a'\npaths=['x']\ncron='hourly'", 4, ("five fields",)),
        ("[recheck]\nafter = ['1h', 'soon']", 2, ("recheck.after[2]", '"7d"')),
        ("[recheck]\nafter = '1h'", 2, ("recheck.after", "a list")),
        ("[fetch]\ntimeout = \n", 2, ("not valid TOML",)),
        ("[fetch]\ntimeout = '3s'\ntimeout = '4s'", 3, ("not valid TOML",)),
        ("s = '''\u2028\nfetch = 1\n'''\n[fetch]\ntimout = 1", 1, ("unknown key s",)),
        ("archive = '''\n[fetch]\ntimout = 1\n'''", 1, ("archive", "cannot be printed")),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_right_key(source, line, words):
    message = wrong(source)
    assert message.startswith(f"config.toml:{line}: "), message
    for word in words:
        assert word in message
    assert "\n" not in message


CANARY = "AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea4JtiGRiSDSJSI"


@pytest.mark.parametrize(
    "source",
    [
        f"[fetch]\nproxy = 'http://joe:{CANARY}@proxy.example:3128'",
        f"[platforms.twitter]\nbearer_token = '{CANARY}'",
        f"token = '{CANARY}'",
        f"[operator]\ncontact = 'Bearer {CANARY}'",
        f"[operator]\nname = '{CANARY}'",
        f"[[sources]]\nlabel='a'\npaths=['https://feed.example/?token={CANARY}']",
    ],
)
def test_a_secret_is_refused_with_advice_and_not_repeated(source):
    message = wrong(source)
    assert "environment" in message
    assert CANARY not in message
    assert message.startswith("config.toml:")


@pytest.mark.parametrize(
    "text", ["2024/Snapshots20240807T120000Z0123456789abcdef/*.html", "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1.html"]
)
def test_a_long_path_is_not_taken_for_a_secret(text):
    assert parse(f"[[sources]]\nlabel='a'\npaths=['{text}']").sources[0].paths == (text,)


def test_a_missing_or_unreadable_file_gets_one_sentence(tmp_path):
    (tmp_path / "latin.toml").write_bytes(b"# fine\narchive = 'caf\xe9'\n")
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "latin.toml"):
        with pytest.raises(ConfigError, match=re.escape(str(path))):
            load(path, environ={})
    with pytest.raises(ConfigError, match=r"latin\.toml:2: not UTF-8"):
        load(tmp_path / "latin.toml", environ={})


def test_the_environment_may_name_the_file(tmp_path, monkeypatch):
    (tmp_path / "a.toml").write_text("archive = 'here.db'")
    assert load(environ={"ARCHIVER_CONFIG": str(tmp_path / "a.toml")}).archive == tmp_path / "here.db"
    with pytest.raises(ConfigError):
        load(environ={"ARCHIVER_CONFIG": str(tmp_path / "gone.toml")})
    monkeypatch.chdir(tmp_path)
    assert load(environ={}) == Config()
    (tmp_path / "config.toml").write_text("archive = 'there.db'")
    assert load(environ={}).archive == Path("there.db")


@given(st.text(max_size=300))
def test_any_text_is_a_configuration_or_a_config_error(source):
    try:
        parse(source)
    except ConfigError as error:
        assert re.match(r"config\.toml(:\d+)?: ", str(error))


def test_importing_it_costs_only_the_standard_library():
    code = "import sys, archiver.config; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    run = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) - sys.stdlib_module_names == {"archiver", "__main__"} - sys.stdlib_module_names
    assert config.parse("").fetch.timeout == dt.timedelta(seconds=30)
