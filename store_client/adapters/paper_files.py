"""Paper as files in a folder: ZPL for a label printer, PDF for any other one."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from store_client.adapters.pdf import label_pdf, manifest_pdf, slip_pdf
from store_client.adapters.zpl import label_zpl
from store_client.paper import ManifestSheet, PackingSlip, PaperProblem, ParcelLabel


class PaperFiles:
    """Implements `Paper`. Making a thing again replaces its files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def label(self, label: ParcelLabel) -> Sequence[Path]:
        """Write a label as ZPL and as PDF."""
        name = f"labels/{_safe(label.number)}"
        return (
            self._write(f"{name}.zpl", lambda: label_zpl(label).encode()),
            self._write(f"{name}.pdf", lambda: label_pdf(label)),
        )

    def has_label(self, number: str) -> bool:
        """Return whether the label was made once."""
        return (self._folder / f"labels/{_safe(number)}.zpl").exists()

    def slip(self, slip: PackingSlip) -> Sequence[Path]:
        """Write a packing slip as PDF."""
        name = f"slips/{_safe(slip.order_number)}-{slip.box}.pdf"
        return (self._write(name, lambda: slip_pdf(slip)),)

    def manifest(self, sheet: ManifestSheet) -> Sequence[Path]:
        """Write a manifest as PDF."""
        return (self._write(f"manifests/{_safe(sheet.name)}.pdf", lambda: manifest_pdf(sheet)),)

    def _write(self, name: str, make: Callable[[], bytes]) -> Path:
        path = self._folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            begun = path.with_suffix(path.suffix + ".tmp")
            begun.write_bytes(make())
            begun.replace(path)
        except (OSError, ImportError, ValueError) as problem:
            raise PaperProblem(f"{path.name} could not be made: {problem}") from problem
        return path


def _safe(name: str) -> str:
    return re.sub(r"[^0-9A-Za-z_-]", "_", name)[:80] or "unnamed"
