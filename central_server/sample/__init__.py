"""The sample network that ships with Holdshelf: invented stores, products, stock and people.

The files are data for demos, tests and benchmarks. `central_server.sample.generate`
wrote them and rewrites the same bytes; this module only says where they are.
"""

from importlib import resources
from pathlib import Path

SAMPLE_FILES = (
    "locations.csv",
    "products.csv",
    "prices.csv",
    "stock.csv",
    "associates.csv",
    "customers.csv",
)
"""In the order in which a seed should read them: a file refers only to those before it."""

SAMPLE_CARRIERS = Path(str(resources.files(__name__) / "carriers.json"))
"""Two invented carriers: one gives label numbers ahead, one sells each label."""


def sample_path(name: str) -> Path:
    """Return where the sample file `name` is.

    Args:
        name: One of `SAMPLE_FILES`.

    Returns:
        The path of the file inside the installed package.

    Raises:
        FileNotFoundError: `name` is not a sample file.
    """
    if name not in SAMPLE_FILES:
        message = f"no sample file is called {name!r}; there are {', '.join(SAMPLE_FILES)}"
        raise FileNotFoundError(message)
    return Path(str(resources.files(__name__) / name))
