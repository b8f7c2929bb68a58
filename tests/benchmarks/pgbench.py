"""What PostgreSQL itself does with an order's statements: pgbench, from the same wheel.

The script is what central sends for one order that is alone in its group, statement by statement:
14 reads and 12 writes between BEGIN and COMMIT, prepared. A test compares the two
(`tests/central_server/storage/test_pgbench_script.py`). Where orders wait for each other, central
places several with these statements once; pgbench sends them for each.
"""

import re
import subprocess
import tempfile
from pathlib import Path

from tests.benchmarks.load import CLIENTS, Mix
from tests.support.postgresql import PostgresqlServer

_SKU = "'SKU-' || lpad(:{name}::text, 6, '0')"
_SKUS = "(VALUES ({a}), ({b}), ({c})) AS wanted (sku)"
_BODY = '{"order":{"id":"x","lines":[{"line":1},{"line":2},{"line":3}]}}' + " " * 700
_NOTE = '{"to":"c@example.com","subject":"We have your order","text":"x"}' + " " * 200
_STATEMENTS = Path(__file__).with_name("order.pgbench").read_text(encoding="utf-8")


def script(mix: Mix) -> str:
    """Return the script of one order of `mix` (three lines, or one)."""
    third = mix.skus // 3
    if mix.lines == 1:
        sets = [f"\\set {name} 1" for name in "a"]
        skus = "(VALUES (" + _SKU.format(name="a") + ")) AS wanted (sku)"
    else:
        sets = [
            f"\\set {name} random({1 + index * third}, {(index + 1) * third})"
            for index, name in enumerate("abc")
        ]
        skus = _SKUS.format(**{name: _SKU.format(name=name) for name in "abc"})
    begin = [*sets, f"\\set p random(1, {mix.stores})", "\\set id random(1, 9000000000000000)"]
    place = "'S' || lpad(:p::text, 3, '0')"
    filled = (
        _STATEMENTS.replace("'store:' || {place}", f"'store:' || ({place})")
        .replace("{place}", f"({place})")
        .replace("{skus}", skus)
        .replace("{body}", _escaped(_BODY))
        .replace("{note}", _escaped(_NOTE))
    )
    joined = [" ".join(one.split("\n")) for one in re.split(r"(?<=;)\n|(?<=gset)\n", filled) if one]
    return "\n".join([*begin, *(one.strip() for one in joined), ""])


def _escaped(text: str) -> str:
    """Return a literal without what pgbench takes for variables."""
    return text.replace('":', '" :')


def orders_per_s(server: PostgresqlServer, name: str, mix: Mix, seconds: int) -> float:
    """Return the orders a second that pgbench places in the database `name`."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script(mix))
        file.flush()
        Path(file.name).chmod(0o644)
        done = subprocess.run(
            [server.programs / "pgbench", "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2",
             "-T", str(seconds), "-f", file.name, "-h", server.socket_folder, "-U", "postgres",
             name],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(f"pgbench: {done.stderr[-500:]}")
    return float(found.group(1))
