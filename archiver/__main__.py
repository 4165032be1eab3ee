"""`python -m archiver` is `archiver`."""

import sys

from archiver.cli import main

sys.exit(main())
