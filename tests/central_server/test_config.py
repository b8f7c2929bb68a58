"""Settings: environment over file over defaults, and nothing unsafe by default."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from central_server.config import DEMO_SECRET, FEED_LOCATIONS_MAX, UnknownSetting, load_settings

SECRET = "s" * 40


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    """Only what a test sets is in the environment."""
    import os

    for name in [name for name in os.environ if name.startswith("HOLDSHELF_CENTRAL_")]:
        monkeypatch.delenv(name)


def test_no_secret_is_made_up_outside_the_demo():
    """Central does not start without a secret of its operator's."""
    with pytest.raises(ValidationError, match="server_secret is required"):
        load_settings()
    assert load_settings(demo=True).secret == DEMO_SECRET


def test_the_demo_secret_is_refused_outside_the_demo():
    """A production server never runs on the secret that everybody knows."""
    with pytest.raises(ValidationError, match="the demo's"):
        load_settings(server_secret=DEMO_SECRET)


def test_a_short_secret_is_refused():
    """A secret that can be guessed is refused."""
    with pytest.raises(ValidationError, match="at least 32"):
        load_settings(server_secret="short")


def test_environment_wins_over_the_file(monkeypatch, tmp_path):
    """The file says what the installation is, the environment what this run is."""
    file = tmp_path / "central.toml"
    file.write_text(f'server_secret = "{SECRET}"\nport = 9000\nfloor_percent = 30\n')
    monkeypatch.setenv("HOLDSHELF_CENTRAL_PORT", "9001")
    settings = load_settings(file)
    assert (settings.port, settings.floor_percent, settings.secret) == (9001, 30, SECRET)
    assert load_settings(file, port=9002).port == 9002


def test_unknown_names_fail(monkeypatch, tmp_path):
    """A misspelt setting is an error, in the file and in the environment."""
    file = tmp_path / "central.toml"
    file.write_text(f'server_secret = "{SECRET}"\nprot = 9000\n')
    with pytest.raises(ValidationError, match="prot"):
        load_settings(file)
    monkeypatch.setenv("HOLDSHELF_CENTRAL_PROT", "1")
    with pytest.raises(UnknownSetting, match="HOLDSHELF_CENTRAL_PROT"):
        load_settings(demo=True)


def test_a_named_file_must_exist(tmp_path):
    """A path that leads nowhere is not the same as no file."""
    with pytest.raises(FileNotFoundError):
        load_settings(tmp_path / "missing.toml")


def test_the_database_is_a_file_in_the_data_folder_by_default():
    """With nothing installed and nothing said, central keeps its data in one SQLite file."""
    settings = load_settings(demo=True, data_dir=Path("/data"))
    assert settings.url == "sqlite:////data/central.db"
    assert settings.key is None


def test_a_database_key_must_be_a_key():
    """A pass phrase is not taken for a key."""
    with pytest.raises(ValidationError, match="64 hexadecimal"):
        load_settings(demo=True, database_key="open sesame")


def test_settings_do_not_change():
    """What central was started with stays."""
    with pytest.raises(ValidationError):
        setattr(load_settings(demo=True), "port", 1)  # noqa: B010 - mypy knows that it fails


def test_secrets_do_not_show():
    """Printing settings tells no secret."""
    assert SECRET not in repr(load_settings(server_secret=SECRET))


def test_thresholds_of_the_feed_are_a_list_that_ascends(monkeypatch, tmp_path):
    """In the environment with commas, in a file as a list; anything else is told by its name."""
    monkeypatch.setenv("HOLDSHELF_CENTRAL_AVAILABILITY_THRESHOLDS", "1, 5,20")
    assert load_settings(demo=True).availability_thresholds == (1, 5, 20)
    monkeypatch.delenv("HOLDSHELF_CENTRAL_AVAILABILITY_THRESHOLDS")
    file = tmp_path / "central.toml"
    file.write_text("availability_thresholds = [1, 4]\n")
    assert load_settings(file, demo=True).availability_thresholds == (1, 4)
    for wrong in ("", "0,5", "5,1", "5,20", "1,1", "few"):
        with pytest.raises(ValidationError, match="availability_thresholds"):
            load_settings(demo=True, availability_thresholds=wrong)


def test_locations_with_a_feed_of_their_own_are_a_list(monkeypatch):
    """With commas, each once; more than can be looked at are refused."""
    assert load_settings(demo=True).availability_feed_locations == ()
    monkeypatch.setenv("HOLDSHELF_CENTRAL_AVAILABILITY_FEED_LOCATIONS", "S001, S002,,S001")
    assert load_settings(demo=True).availability_feed_locations == ("S001", "S002")
    too_many = [f"S{number}" for number in range(FEED_LOCATIONS_MAX + 1)]
    with pytest.raises(ValidationError, match="availability_feed_locations"):
        load_settings(demo=True, availability_feed_locations=too_many)
