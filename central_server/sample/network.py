"""The fourteen stores and the distribution center of the sample network.

City, coordinates, time zone and postal codes are facts about real places; store
names, street addresses and opening hours are invented.
"""

from typing import NamedTuple


class Place(NamedTuple):
    """One location and what its customers' rows need: area code and postal codes nearby."""

    location_id: str
    name: str
    latitude: str
    longitude: str
    timezone: str
    region: str
    price_zone: str
    address_line: str
    city: str
    state: str
    postal_codes: str
    """Postal codes joined by |; the first is the location's own."""
    area_code: str
    spot_rows: str
    """Letters of the hold-shelf rows; each row has four spots."""
    hours: str
    """A key of `HOURS`."""


ZONES = ("US-EAST", "US-CENTRAL", "US-WEST")
SPOTS_PER_ROW = 4

HOURS = {
    "standard": ("09:00-21:00", "09:00-21:00", "11:00-18:00"),
    "downtown": ("08:00-20:00", "09:00-20:00", "11:00-17:00"),
    "late": ("09:00-22:00", "08:00-22:00", "10:00-20:00"),
    "dc": ("06:00-22:00", "06:00-14:00", ""),
}
"""Hours on weekdays, Saturday and Sunday; an empty text means closed that day."""

HOLIDAYS = "2025-11-27|2025-12-25|2026-04-05|2026-11-26|2026-12-25|2027-03-28|2027-11-25|2027-12-25"
"""Easter Sunday, Thanksgiving and Christmas Day: every location is closed."""

EXTRA_CLOSURES = {
    "S005": ("2026-02-02", "2027-02-01"),
    "S009": ("2026-01-01", "2027-01-01"),
    "S013": ("2026-07-04", "2027-07-04"),
    "DC01": ("2026-01-01", "2026-07-04", "2027-01-01", "2027-07-04"),
}
"""Closures of one location only, such as a day of stock-taking."""

_EAST, _CENTRAL, _WEST = ZONES
_NEW_YORK, _CHICAGO = "America/New_York", "America/Chicago"
_PACIFIC = "America/Los_Angeles"

PLACES = (
    Place("S001", "Columbus Lantern Row", "39.9612", "-82.9988", _NEW_YORK, "Ohio Valley", _EAST,
          "118 Lantern Row", "Columbus", "OH", "43215|43201|43206|43212", "614", "ABC", "standard"),
    Place("S002", "Dayton Kite Mill", "39.7589", "-84.1916", _NEW_YORK, "Ohio Valley", _EAST,
          "42 Kite Mill Lane", "Dayton", "OH", "45402|45403|45409|45410", "937", "AB", "standard"),
    Place("S003", "Pittsburgh Slate Yard", "40.4406", "-79.9959", _NEW_YORK, "Ohio Valley", _EAST,
          "907 Slate Yard Street", "Pittsburgh", "PA", "15222|15203|15213|15232", "412", "ABC",
          "downtown"),
    Place("S004", "Philadelphia Bell Arcade", "39.9526", "-75.1652", _NEW_YORK, "Atlantic", _EAST,
          "15 Bell Arcade", "Philadelphia", "PA", "19103|19104|19107|19147", "215", "ABCD", "late"),
    Place("S005", "Raleigh Acorn Square", "35.7796", "-78.6382", _NEW_YORK, "Atlantic", _EAST,
          "260 Acorn Square", "Raleigh", "NC", "27601|27604|27605|27608", "919", "ABC",
          "standard"),
    Place("S006", "Chicago Harbor Hall", "41.8781", "-87.6298", _CHICAGO, "Great Lakes", _CENTRAL,
          "731 Harbor Hall Avenue", "Chicago", "IL", "60602|60605|60607|60614", "312", "ABCDE",
          "late"),
    Place("S007", "Milwaukee Cooper Dock", "43.0389", "-87.9065", _CHICAGO, "Great Lakes", _CENTRAL,
          "88 Cooper Dock Road", "Milwaukee", "WI", "53202|53203|53207|53211", "414", "ABC",
          "standard"),
    Place("S008", "Minneapolis Flour Gate", "44.9778", "-93.2650", _CHICAGO, "Upper Midwest",
          _CENTRAL, "304 Flour Gate", "Minneapolis", "MN", "55401|55403|55408|55414", "612",
          "ABCD", "downtown"),
    Place("S009", "Saint Paul Willow Steps", "44.9537", "-93.0900", _CHICAGO, "Upper Midwest",
          _CENTRAL, "19 Willow Steps", "Saint Paul", "MN", "55102|55101|55104|55105", "651",
          "AB", "standard"),
    Place("S010", "Austin Pecan Crossing", "30.2672", "-97.7431", _CHICAGO, "South", _CENTRAL,
          "1450 Pecan Crossing Drive", "Austin", "TX", "78701|78702|78703|78704", "512", "ABCD",
          "late"),
    Place("S011", "Denver Signal Works", "39.7392", "-104.9903", "America/Denver", "Mountain",
          _WEST, "622 Signal Works Way", "Denver", "CO", "80202|80203|80205|80211", "303", "ABC",
          "standard"),
    Place("S012", "Phoenix Copper Court", "33.4484", "-112.0740", "America/Phoenix", "Mountain",
          _WEST, "2075 Copper Court", "Phoenix", "AZ", "85004|85003|85006|85007", "602", "ABC",
          "late"),
    Place("S013", "Portland Fern Bridge", "45.5152", "-122.6784", _PACIFIC, "Pacific", _WEST,
          "510 Fern Bridge Street", "Portland", "OR", "97204|97205|97209|97214", "503", "ABC",
          "downtown"),
    Place("S014", "Seattle Tidewater Lane", "47.6062", "-122.3321", _PACIFIC, "Pacific", _WEST,
          "37 Tidewater Lane", "Seattle", "WA", "98101|98102|98104|98109", "206", "ABCD", "late"),
    Place("DC01", "Indianapolis Distribution Center", "39.7684", "-86.1581",
          "America/Indiana/Indianapolis", "Ohio Valley", _CENTRAL, "9000 Wagon Depot Road",
          "Indianapolis", "IN", "46204", "317", "", "dc"),
)  # fmt: skip
"""Stores in the order of their ids, then the distribution center."""

SHORES = {"S006": (-600, 0), "S007": (-600, 0), "S014": (0, 350)}
"""How far west and east customers live where water is near, in ten-thousandths of a degree."""

INLAND = (-600, 600)
"""The same everywhere else, and to the south and north."""

STORES = tuple(place for place in PLACES if place.spot_rows)
