"""The ``modalign`` command, which is inside the extension module."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import sysconfig

from . import _core


def _program() -> str:
    """The script that starts the command: a sweep starts it again for every device."""
    for name in (shutil.which(sys.argv[0]), os.path.join(sysconfig.get_path("scripts"), "modalign")):
        if name and os.access(name, os.X_OK) and not os.path.isdir(name):
            return os.path.abspath(name)
    return os.path.abspath(sys.argv[0])


def main() -> None:
    """Runs the command with the process's arguments and ends with its exit code."""
    # Python would only note a Ctrl-C until the command comes back; so it ends the command, or the command hears it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_core.command(_program(), sys.argv[1:]))
