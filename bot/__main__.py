"""`python -m bot`: the same as `tiphys`."""

from bot.cli import main

main()
