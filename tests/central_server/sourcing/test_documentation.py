"""What ROUTING.md shows runs as it stands, and answers what it says."""

import doctest

from tests.architecture.tree import ROOT

EXAMPLES = 12


def test_the_example_of_the_documentation_runs():
    """Whoever types it in gets these plans and this sentence."""
    failed, tried = doctest.testfile(
        str(ROOT / "central_server" / "sourcing" / "ROUTING.md"),
        module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE,
    )  # fmt: skip
    assert failed == 0
    assert tried > EXAMPLES
