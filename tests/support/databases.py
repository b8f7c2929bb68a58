"""Fixtures: `database` on SQLite and on a real PostgreSQL, fresh for each test.

Load it as a plugin (`pytest_plugins = ["tests.support.databases"]`). Where no
PostgreSQL can be started its tests fail, and say why.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from central_server.storage.database import Database
from central_server.storage.schema import migrate
from tests.support.postgresql import NoPostgresql, PostgresqlServer

TEMPLATE = "holdshelf_template"
SERVER_ID = "central-test"
SERVER_SECRET = "a secret for tests only, long enough to sign with"

BOTH_ENGINES = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres),
]


def prepare(url: str) -> None:
    """Bring an empty database to the schema and give it an identity."""
    opened = Database.open(url)
    migrate(opened)
    opened.write(lambda unit: unit.meta.ensure(SERVER_ID, SERVER_SECRET))
    opened.close()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One server for the tests of this process."""
    try:
        server = PostgresqlServer()
    except NoPostgresql as problem:
        pytest.fail(f"PostgreSQL from the wheel did not start: {problem}")
    try:
        server._execute(f"CREATE DATABASE {TEMPLATE}")
        prepare(server.url(TEMPLATE))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "central.db"
    prepare(f"sqlite:///{path}")
    return path


@pytest.fixture
def make_sqlite_url(sqlite_template: Path, tmp_path: Path) -> Callable[[], str]:
    """Return URLs of fresh, migrated SQLite files."""
    count = 0

    def make() -> str:
        nonlocal count
        count += 1
        path = tmp_path / f"central-{count}.db"
        shutil.copyfile(sqlite_template, path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture
def make_postgresql_url(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Return URLs of fresh, migrated PostgreSQL databases."""
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    made: list[str] = []

    def make() -> str:
        made.append(server.create(TEMPLATE))
        return server.url(made[-1])

    yield make
    for name in made:
        server.drop(name)


@pytest.fixture(params=BOTH_ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database, once per engine."""
    make: Callable[[], str] = request.getfixturevalue(f"make_{request.param}_url")
    return make()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh, migrated database, once per engine."""
    opened = Database.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def postgresql_database(make_postgresql_url: Callable[[], str]) -> Iterator[Database]:
    """A fresh, migrated PostgreSQL database. Mark the test `postgres`."""
    opened = Database.open(make_postgresql_url())
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(make_sqlite_url: Callable[[], str]) -> Iterator[Database]:
    """A fresh, migrated SQLite database."""
    opened = Database.open(make_sqlite_url())
    yield opened
    opened.close()
