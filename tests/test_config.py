"""Settings: the defaults are whole, the operator's own win, and a mistake is named with its file and setting."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from newsletter.config import Config, load_config
from newsletter.errors import ConfigError, ResourceError
from newsletter.resources import resource
from newsletter.store import check_store, open_store

if TYPE_CHECKING:
    from pathlib import Path


def write(home: Path, text: str, name: str = "newsletter.toml") -> Path:
    home.mkdir(exist_ok=True)
    (home / name).write_text(text, "utf-8")
    return home


def test_the_defaults_alone_are_a_whole_configuration(tmp_path: Path) -> None:
    config = load_config(tmp_path, {})
    assert config.database_url == f"sqlite:///{tmp_path / 'newsletter.db'}"
    assert config.collect.huggingface.endpoint == "https://huggingface.co"
    assert len(config.topics) >= 20


def test_every_default_stands_in_the_file_and_none_in_code() -> None:
    def sections(model: type[BaseModel]) -> list[type[BaseModel]]:
        inner = [
            field.annotation
            for field in model.model_fields.values()
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        ]
        return [model, *(found for section in inner for found in sections(section))]

    optional = {
        f"{section.__name__}.{name}"
        for section in sections(Config)
        for name, field in section.model_fields.items()
        if not field.is_required()
    }
    assert optional == {"HuggingFaceSettings.token"}, "a secret has no default in a file; everything else has"


def test_the_operators_settings_win_key_by_key(tmp_path: Path) -> None:
    home = write(tmp_path / "h", '[site]\nname = "Reading Group"\n[collect.feeds]\nlab = "https://lab.example/x.xml"\n')
    config = load_config(home, {})
    assert config.site.name == "Reading Group"
    assert config.site.tagline
    assert config.collect.feeds == {"lab": "https://lab.example/x.xml"}


def test_the_environment_names_endpoint_and_token(tmp_path: Path) -> None:
    config = load_config(tmp_path, {"HF_ENDPOINT": "http://127.0.0.1:8080/", "HF_TOKEN": "hf_secret"})
    assert config.collect.huggingface.endpoint == "http://127.0.0.1:8080"
    assert config.collect.huggingface.token == "hf_secret"
    assert "hf_secret" not in repr(config)
    assert "hf_secret" not in str(config)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[site\n", "not valid TOML"),
        ("[site]\nnam = 'x'\n", "site.nam"),
        ("[sight]\nname = 'x'\n", "sight"),
        ("site = 3\n", "site"),
        ("[collect]\nhuggingface = 3\n", "collect.huggingface"),
        ("[site]\naccent = 'red'\n", "site.accent"),
        ('[site]\nname = "a\\nBcc: x@y.z"\n', "site.name"),
        ("[site]\nfrom_address = 'nobody'\n", "site.from_address"),
        ("[site]\nfrom_address = 'a@b.c\\nBcc: x'\n", "site.from_address"),
        ("[subscribers]\ntimezone = 'Mars/Olympus'\n", "IANA time zone"),
        ("[subscribers]\nhour = 24\n", "subscribers.hour"),
        ("[collect.feeds]\nlab = 'file:///etc/passwd'\n", "collect.feeds.lab"),
        ("[collect.huggingface]\nendpoint = 'javascript:alert(1)'\n", "collect.huggingface.endpoint"),
        ("[deliver]\nmailer = 'pigeon'\n", "deliver.mailer"),
        ("[deliver]\nmailer = 'smtp'\nlease_seconds = 600\n", "lease_seconds is 600"),
        (
            "[deliver]\nmailer = 'smtp'\n[deliver.smtp]\ntimeout_seconds = 200\n",
            "smtp.timeout_seconds; make lease_seconds longer",
        ),
        ("[deliver.smtp]\nacceptance_seconds = inf\n", "deliver.smtp.acceptance_seconds"),
        ("[deliver]\nlease_seconds = 10000000000000\n", "deliver.lease_seconds"),
        ("[deliver]\nretry_minutes = [5, 15]\n", "deliver.retry_minutes"),
        ("[rank]\ntopic_weight = inf\n", "rank.topic_weight"),
        ("[rank]\nvotes_weight = 1e308\n", "rank.votes_weight"),
        ("[rank]\nfloor = nan\n", "rank.floor"),
        ("[collect]\ntimeout_seconds = nan\n", "collect.timeout_seconds"),
        ("[collect.feeds]\narxiv = 'https://lab.example/x.xml'\n", "another name"),
        ("[collect.feeds]\nhuggingface = 'https://lab.example/x.xml'\n", "another name"),
        ("[collect]\nsources = ['nope']\n", "sources names 'nope'"),
        ("[collect.huggingface]\nendpoint = 'ftp://host'\n", "collect.huggingface.endpoint"),
        ("[collect.huggingface]\nendpoint = 'https:host'\n", "collect.huggingface.endpoint"),
        ("[collect.huggingface]\nendpoint = 'https:///host'\n", "collect.huggingface.endpoint"),
        ("[collect.feeds]\nlab = 'https://lab.example/a\tb'\n", "collect.feeds.lab"),
        ("[site]\nfrom_address = 'digest@-bad-..'\n", "site.from_address"),
        ("[site]\nreply_to = 'digest@-bad-.example'\n", "site.reply_to: "),
        ("[site]\nunsubscribe_address = ''\n", "site.unsubscribe_address"),
        ('[site]\nfrom_name = "a\\u2028b"\n', "site.from_name"),
        ('[site]\ntagline = "a\\u202eb"\n', "site.tagline"),
        ("[site]\nlogo = 'http://lab.example/logo.png'\n", "site.logo: must begin with https://"),
        ("[site]\nlogo = 'logo.png'\n", "site.logo"),
        ("[site]\nlogo = 'https://lab.example/a\"b.png'\n", "site.logo: must be written as a link is"),
        ('[site]\nlogo_alt = "a\\nb"\n', "site.logo_alt"),
        ("[site]\nthumbnails = 'sometimes'\n", "site.thumbnails"),
        ("[site]\nweb_url = 'digest.example'\n", "site.web_url"),
        ("[site]\nweb_url = 'http://digest.example'\n", "plain http is for this machine alone"),
        ("[site]\nweb_url = 'http://localhost.example'\n", "plain http is for this machine alone"),
        ("[site]\nweb_url = 'http://10.0.0.1'\n", "plain http is for this machine alone"),
        ("[site]\nweb_url = 'https://user:word@digest.example'\n", "the bare address of the web pages"),
        ("[site]\nweb_url = 'https://digest.example/?page=1'\n", "the bare address of the web pages"),
        ("[site]\nweb_url = 'https://digest.example/#top'\n", "the bare address of the web pages"),
        ("[site]\nweb_url = 'https://bücher.example'\n", "a host as xn--"),
        ("[site]\nweb_url = 'https://digest.example/>'\n", "site.web_url"),
        ("[site]\nweb_url = 'https://[digest.example'\n", "site.web_url"),
        ("[site]\nfeedback_id = 'four'\n", "site.feedback_id"),
        ("[site]\nfeedback_id = 'a:b:c:d:e'\n", "site.feedback_id"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path / "h", text), {})
    assert named in str(caught.value)
    assert "newsletter.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[site]\nthumbnails = 'yes'\n", "site.thumbnails: must be true or false, and is 'yes'"),
        ("[site]\nthumbnails = 1\n", "site.thumbnails: must be true or false, and is 1"),
        ("[subscribers]\nsize = '10'\n", "subscribers.size: must be a whole number, and is '10'"),
        ("[subscribers]\nsize = 10.0\n", "subscribers.size: must be a whole number, and is 10.0"),
        ("[subscribers]\nsize = true\n", "subscribers.size: must be a whole number, and is true"),
        ("[rank]\nfloor = '0.2'\n", "rank.floor: must be a number, and is '0.2'"),
        ("[rank]\nfloor = inf\n", "rank.floor: must be a finite number, and is inf"),
        ("[rank]\nfloor = 2\n", "rank.floor: must be at most 1, and is 2"),
        ("[deliver.smtp]\nport = 0\n", "deliver.smtp.port: must be at least 1, and is 0"),
        ("[deliver]\nconnections = 0\n", "deliver.connections: must be at least 1, and is 0"),
        ("[collect]\nsources = 'arxiv'\n", "collect.sources: must be a list in square brackets, and is 'arxiv'"),
        ("[collect]\nsources = [1]\n", "collect.sources.0: must be text in quotes, and is 1"),
        ("[store]\nurl = ['a']\n", "store.url: must be text in quotes, and is a list"),
        ("site = 3\n", "site: must be a section of its own, and is 3"),
        ("[collect]\nfeeds = 3\n", "collect.feeds: must be a section of its own, and is 3"),
        ("[site]\nname = 2026-07-14\n", "site.name: must be text in quotes, and is 2026-07-14"),
        ("[site]\nname = ''\n", "site.name: must not be empty, and is ''"),
        (
            "[deliver]\nmailer = 'pigeon'\n",
            "must be 'folder', 'maildir', 'log' or 'smtp', and is 'pigeon'",
        ),
        ("[subscribers]\ncadence = 'hourly'\n", "cadence: must be 'daily', 'weekdays', 'weekly' or 'monthly', and is"),
        ("[site]\naccent = 'red'\n", "site.accent: must be a colour such as #0b6e5f, and is 'red'"),
        (
            "[collect.arxiv]\ncategories = ['CS']\n",
            "categories.0: must be an arXiv category such as cs.CL, and is 'CS'",
        ),
        ("[collect.feeds]\nLab = 'https://a.b'\n", "collect.feeds.Lab: must be a name in lower-case letters"),
        ("[site]\nfrom_address = 'nobody'\n", "site.from_address: must be an e-mail address ("),
        ("[site]\nnam = 'x'\n", "site.nam: there is no such setting; is site.name meant?"),
        ("[collect.huggingface]\ntoken = 'x'\n", "there is no such setting; is collect.huggingface.token_file meant?"),
        ("[topics]\nbees = 1\n", "topics: there is no such setting"),
    ],
)
def test_it_is_said_what_is_asked_for_and_what_stands_there(tmp_path: Path, text: str, said: str) -> None:
    home = write(tmp_path / "h", text)
    with pytest.raises(ConfigError) as caught:
        load_config(home, {})
    assert str(caught.value).startswith(f"{home / 'newsletter.toml'}: ")
    assert said in str(caught.value)
    assert "Input" not in str(caught.value)


def test_a_wrong_address_is_not_shown_since_it_may_hold_a_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path / "h", "[collect.huggingface]\nendpoint = 'ftp://me:word@host'\n"), {})
    assert "word" not in str(caught.value)


def test_what_the_environment_has_wrong_is_not_laid_at_the_files_door(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^the environment variable HF_ENDPOINT: .* must be a whole address"):
        load_config(tmp_path, {"HF_ENDPOINT": "nowhere"})


def test_whole_numbers_are_numbers(tmp_path: Path) -> None:
    config = load_config(write(tmp_path / "h", "[collect]\ntimeout_seconds = 10\n[rank]\nfloor = 0\n"), {})
    assert (config.collect.timeout_seconds, config.rank.floor) == (10.0, 0.0)


@pytest.mark.parametrize(
    ("text", "sender"),
    [("", "Daily Digest"), ("name = 'Bees'", "Bees"), ("name = 'Bees'\nfrom_name = 'The Bee Team'", "The Bee Team")],
)
def test_the_sender_is_called_as_the_newsletter_unless_told_otherwise(tmp_path: Path, text: str, sender: str) -> None:
    assert load_config(write(tmp_path / "h", f"[site]\n{text}\n"), {}).site.from_name == sender


def test_names_and_addresses_of_every_script_pass(tmp_path: Path) -> None:
    text = '[site]\nname = "خبر‌نامه 👩‍🔬"\nfrom_address = "jö@bücher.example"\nreply_to = "reader@lab.test"\n'
    assert load_config(write(tmp_path / "h", text), {}).site.name == "خبر‌نامه 👩‍🔬"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("", ""),
        ("https://digest.example", "https://digest.example"),
        ("https://lab.example/digest/", "https://lab.example/digest"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_web_pages_stand_on_https_or_on_this_machine(tmp_path: Path, written: str, kept: str) -> None:
    assert load_config(write(tmp_path / "h", f"[site]\nweb_url = '{written}'\n"), {}).site.web_url == kept


def test_a_feed_may_be_a_source(tmp_path: Path) -> None:
    text = '[collect]\nsources = ["lab", "arxiv"]\n[collect.feeds]\nlab = "https://lab.example/x.xml"\n'
    assert load_config(write(tmp_path / "h", text), {}).collect.sources == ("lab", "arxiv")


@pytest.mark.parametrize("name", ["a?b", "a%41b", "a#b", "two words", "büro 論文", "a@b:c", "a+b&c=d", "?mode=memory"])
def test_the_database_is_opened_in_the_home_whatever_its_name(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    url = load_config(home, {}).database_url
    open_store(url).close()
    assert str(home / "newsletter.db") in check_store(url)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert [path.name for path in home.iterdir()] == ["newsletter.db"]


def test_a_home_that_is_not_named_in_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not named in UTF-8"):
        load_config(tmp_path / "b\udcfcro", {})


def test_topics_of_the_home_replace_the_shipped_ones(tmp_path: Path) -> None:
    home = write(tmp_path / "h", '[bees]\ntitle = "Bees"\nphrases = ["waggle dance"]\n', "topics.toml")
    (topic,) = load_config(home, {}).topics
    assert (topic.name, topic.title, topic.phrases) == ("bees", "Bees", ("waggle dance",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[bees]\n", "bees.title: is missing"),
        ("[bees]\ntitle = 3\n", "bees.title: must be text in quotes, and is 3"),
        ("[bees]\ntitle = 'B'\nphrase = []\n", "bees.phrase: is no name that can stand here"),
        ("[bees]\ntitle = 'B'\nphrases = 'wasp'\n", "bees.phrases: must be a list in square brackets, and is 'wasp'"),
        ("bees = 1\n", "bees: must be a section of its own, and is 1"),
    ],
)
def test_a_broken_topic_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"topics\.toml: {said}"):
        load_config(write(tmp_path / "h", text, "topics.toml"), {})


def test_the_starter_settings_are_valid_and_name_no_unknown_setting(tmp_path: Path) -> None:
    text = resource("config", "starter.toml").read_text("utf-8")
    load_config(write(tmp_path / "h", text), {})
    uncommented = "\n".join(line.removeprefix("# ") for line in text.splitlines() if not line.startswith("# The "))
    uncommented = "\n".join(line for line in uncommented.splitlines() if not line.startswith(("project", "explains")))
    assert "smtp" in tomllib.loads(uncommented)["deliver"]


def test_resources_are_found_in_a_wheel_before_the_checkout(tmp_path: Path) -> None:
    package = tmp_path / "newsletter"
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "a.toml").write_text("beside")
    assert resource("config", "a.toml", package=package).read_text() == "beside"
    (package / "_data" / "config").mkdir(parents=True)
    (package / "_data" / "config" / "a.toml").write_text("inside")
    assert resource("config", "a.toml", package=package).read_text() == "inside"
    with pytest.raises(ResourceError, match=r"config/b\.toml"):
        resource("config", "b.toml", package=package)


@pytest.mark.parametrize("address", ["root@localhost", "digest@intranet", "digest@mail.local", "a.b+c@lists.home.arpa"])
def test_addresses_of_the_house_may_be_the_newsletters_own(tmp_path: Path, address: str) -> None:
    home = write(tmp_path / "h", f'[site]\nfrom_address = "{address}"\n[deliver]\nlease_seconds = 900\n')
    assert load_config(home, {}).site.from_address == address
