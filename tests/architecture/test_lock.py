"""The lock: complete, hashed, and silent about where the packages came from."""

import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT, project_files

LOCK = ROOT / "requirements.lock"
LOCK_LIKE = re.compile(
    r"(\.lock|[-.]lock\.\w+|requirements.*\.txt|constraints.*\.txt|pylock.*\.toml)$"
)


def _pins() -> dict[str, tuple[str, int]]:
    """Return version and number of hashes of each locked package."""
    pins: dict[str, tuple[str, int]] = {}
    for block in re.split(r"\n(?=\S)", LOCK.read_text(encoding="utf-8")):
        if found := re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", block):
            name = canonicalize_name(found[1])
            pins[name] = (found[2], block.count("--hash=sha256:"))
    return pins


def _declared() -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    yield from map(Requirement, project["project"]["dependencies"])
    yield from map(Requirement, project["build-system"]["requires"])
    groups = (
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    )
    for group in groups:
        yield from map(Requirement, group)


def test_every_locked_package_has_hashes():
    """An installation takes only files whose hash is known."""
    pins = _pins()
    assert len(pins) > 50
    assert [name for name, (_, hashes) in pins.items() if not hashes] == []


@pytest.mark.parametrize("requirement", [*_declared()], ids=str)
def test_the_lock_satisfies_what_is_declared(requirement: Requirement):
    """Dependencies, extras, the development group and the build backend are all locked."""
    pins = _pins()
    name = canonicalize_name(requirement.name)
    assert name in pins, "run `make lock`"
    assert requirement.specifier.contains(pins[name][0]), "run `make lock`"


def test_lock_files_name_no_host_and_no_path():
    """A lock works with any registry, and on any machine."""
    origin = re.compile(r"https?:|file:|--(?:extra-)?index-url|--find-links|^-e | @ ", re.MULTILINE)
    files = [path for path in project_files() if LOCK_LIKE.search(path.name)]
    assert LOCK in files
    assert [path.name for path in files if origin.search(path.read_text(encoding="utf-8"))] == []


def test_the_lock_is_installed_without_resolving_anew():
    """The lock is complete; old installers look past a pin for `name[extra]` and take the newest.

    They then refuse it, as it has no hash: the setup broke when a newer release came out.
    """
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    installs = [line for line in lines if "pip install" in line and "-r requirements.lock" in line]
    assert len(installs) == 1
    assert "--require-hashes --no-deps" in installs[0]
