"""What killed processes had said before they died."""

import json
import subprocess
import threading
from dataclasses import dataclass, field


@dataclass
class Said:
    """Reads a driver's lines in a thread of its own."""

    process: "subprocess.Popen[bytes]"
    lines: list[dict[str, object]] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    @property
    def is_done(self) -> bool:
        """Whether the driver found nothing more to do, or ended."""
        return self.process.poll() is not None or "done" in (self.lines or [{}])[-1]

    def finish(self) -> "dict[int, str]":
        """Wait for the end of the output; return hash by seq of each acknowledged operation."""
        assert self._thread is not None
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()
        return {int(str(one["seq"])): str(one["hash"]) for one in self.lines if "seq" in one}
