"""``python -m modalign``: the command."""

from ._cli import main

main()
