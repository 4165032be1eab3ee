"""`python -m archiver.articles`: the extract command by itself."""

import sys

from archiver.articles.command import main

sys.exit(main())
