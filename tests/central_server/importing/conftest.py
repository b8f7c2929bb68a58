"""An importer on each engine, empty or with a little of each kind."""

import pytest

from tests.central_server.importing.importer import LOCATIONS, PRICES, PRODUCTS, STOCK, Importer


@pytest.fixture
def importer(database, tmp_path) -> Importer:
    return Importer(database, tmp_path)


@pytest.fixture
def stocked(importer) -> Importer:
    importer("locations", LOCATIONS)
    importer("products", PRODUCTS)
    importer("prices", PRICES)
    importer("stock", STOCK)
    return importer
