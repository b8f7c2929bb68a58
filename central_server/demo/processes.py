"""Processes of the demo: each started here is stopped here, whatever happens."""

import contextlib
import json
import os
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STOP_SECONDS = 8.0
GIVE_BACK = "".join(
    f"\x1b[?{mode}l" for mode in (1000, 1002, 1003, 1006, 1015, 1016, 2004, 2048)
) + ("\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m")
"""Mouse, paste and keyboard modes off, the usual screen, a cursor, no colors."""


@dataclass
class Processes:
    """Starts processes with their output in `logs`, and stops them in reverse order."""

    logs: Path
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(
        self, name: str, module: str, *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start `python -m module arguments` in the background."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as output:
            process = subprocess.Popen(
                command(module, *arguments),
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment(env),
            )  # fmt: skip
        self._running.append(process)
        return process

    def start_and_read_line(self, name: str, module: str, *arguments: str) -> dict[str, object]:
        """Start a process that says one line of JSON when it is ready, and return that."""
        with (self.logs / f"{name}.log").open("ab") as errors:
            process = subprocess.Popen(
                command(module, *arguments),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self._running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{name} did not start: see {self.logs / f'{name}.log'}")
        said: dict[str, object] = json.loads(line)
        return said

    def stop(self) -> None:
        """End everything that was started: politely, then for good."""
        for process in reversed(self._running):
            process.terminate()
        for process in reversed(self._running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=STOP_SECONDS)
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self._running.clear()


def command(module: str, *arguments: str) -> Sequence[str]:
    """Return the command that runs `module` with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return this process's environment with `extra` set."""
    return {**os.environ, **(extra or {})}


def run(module: str, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Run a command to its end and return its output; raise with its errors if it failed."""
    done = subprocess.run(
        command(module, *arguments),
        input=stdin, capture_output=True, text=True, env=environment(env), check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(
            f"{module} {arguments[-1]}: {done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stdout


def run_in_foreground(words: Sequence[str], env: Mapping[str, str]) -> int:
    """Run a command on this screen until it ends; Ctrl+C is its own to handle.

    One that was killed cannot give the screen back: that is done here.
    """
    before = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None
    process = subprocess.Popen(words, env=env)
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            continue
        if code >= 0:
            return code
        if before is not None:
            sys.stdout.write(GIVE_BACK)
            sys.stdout.flush()
            termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, before)
        print(f"It was ended by signal {-code}. Everything it had confirmed is recorded.")
        return 128 - code
