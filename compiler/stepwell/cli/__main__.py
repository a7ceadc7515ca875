"""`python -m stepwell.cli`: the command line where no script was installed."""

from stepwell.cli import main

main()
