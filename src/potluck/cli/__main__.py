"""``python -m potluck.cli``."""

from potluck.cli import main

main()
