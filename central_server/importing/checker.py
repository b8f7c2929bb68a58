"""One row in, a record or its problems out."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from central_server.importing.mapping import VALUE_SHOWN, ColumnMapping
from central_server.importing.places import FAR_KM, Centroids
from central_server.importing.problems import RowProblem, Severity
from central_server.importing.records import KINDS, Record, StockRecord
from central_server.importing.sources import UNNAMED, Row, Source
from central_server.importing.transforms import text_of
from central_server.web.bounds import unstorable

_WHOLE_ROW = "(row)"


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A good row."""

    number: int
    record: Record


def _beyond_the_header(number: int, row: Row) -> list[RowProblem]:
    """Return the problem of a row that has more values than the file has columns.

    One of them was cut in two, as 1,200 is without quotes: nobody knows which column has which.
    """
    cells = row.get(UNNAMED)
    beyond = [one for one in map(text_of, cells if isinstance(cells, list) else ()) if one.strip()]
    if not beyond:
        return []
    problem = "more values than columns: one with a separator in it needs quotes"
    return [RowProblem(number, UNNAMED, " ".join(beyond)[:VALUE_SHOWN], problem)]


class RowChecker:
    """Knows the kind, the mapping and the centroids; remembers the keys that it has seen."""

    def __init__(
        self,
        kind: str,
        mapping: ColumnMapping,
        source: Source,
        *,
        centroids: Centroids | None = None,
        far_km: float = FAR_KM,
    ) -> None:
        self._model = KINDS[kind]
        fields = tuple(self._model.model_fields)
        self._mapping = mapping.bound(fields, source.columns, self._model.implied)
        self._origin = {rule.field: ", ".join(rule.columns) for rule in self._mapping.rules}
        self._centroids = centroids if kind == "locations" else None
        self._far_km = far_km
        self._seen: dict[int, int] = {}
        self.places: set[str] = set()
        """The locations whose stock is told."""

    def wants(self, row: Row) -> bool:
        """Return whether the mapping means this row at all."""
        return self._mapping.wants(row)

    def check(self, number: int, row: Row) -> tuple[CheckedRow | None, list[RowProblem]]:
        """Return the record in `row`, or None and why not; a good one may have warnings."""
        values, problems = self._mapping.fields_of(number, row)
        problems += _beyond_the_header(number, row)
        problems += self._unstorable(number, values)
        if any(problem.severity is Severity.ERROR for problem in problems):
            return None, problems
        if self._centroids is not None:
            problems += self._misplaced(number, values, self._centroids)
        try:
            record = self._model.model_validate(values)
        except ValidationError as invalid:
            return None, problems + self._invalid(number, values, invalid)
        if any(problem.severity is Severity.ERROR for problem in problems):
            return None, problems
        earlier = self._first_row_of(record, number)
        if earlier is not None:
            key = " ".join(str(part) for part in record.key)
            problem = f"the same as row {earlier}"
            return None, [*problems, RowProblem(number, "", key, problem, Severity.DUPLICATE)]
        if isinstance(record, StockRecord):
            self.places.add(record.location_id)
        return CheckedRow(number, record), problems

    def has(self, key: tuple[object, ...]) -> bool:
        """Return whether a good row had this key."""
        return hash(key) in self._seen

    def _first_row_of(self, record: Record, number: int) -> int | None:
        """Return the earlier row with the record's key, by hash: a million keys must fit."""
        if not record.key:
            return None
        earlier = self._seen.setdefault(hash(record.key), number)
        return None if earlier == number else earlier

    def _misplaced(
        self, number: int, values: dict[str, object], centroids: Centroids
    ) -> list[RowProblem]:
        """Check the coordinates, and fill in a time zone that the file does not give."""
        problem = centroids.problem(values, self._far_km)
        if not text_of(values.get("timezone")):
            values["timezone"] = centroids.timezone(values)
        if not problem:
            return []
        place = f"{text_of(values['latitude'])} {text_of(values['longitude'])}"
        columns = f"{self._column('latitude')}, {self._column('longitude')}"
        return [RowProblem(number, columns, place, problem)]

    def _unstorable(self, number: int, values: Mapping[str, object]) -> list[RowProblem]:
        """Return what no database keeps, such as the character NUL: a commit would find out."""
        return [
            RowProblem(number, self._column(name), text_of(value)[:VALUE_SHOWN], reason)
            for name, value in values.items()
            if (reason := unstorable(value))
        ]

    def _invalid(
        self, number: int, values: Mapping[str, object], invalid: ValidationError
    ) -> list[RowProblem]:
        problems = []
        for error in invalid.errors(include_url=False, include_context=False):
            name = str(error["loc"][0]) if error["loc"] else ""
            shown = text_of(values.get(name))[:VALUE_SHOWN] if name else ""
            problem = error["msg"].removeprefix("Value error, ")
            problems.append(RowProblem(number, self._column(name), shown, problem))
        return problems

    def _column(self, name: str) -> str:
        """Return the file's own name of a field: that is where the person will look."""
        return self._origin.get(name, name or _WHOLE_ROW)
