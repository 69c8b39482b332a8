"""One module per backend, each exporting `BACKEND`; what keys and bytes mean is no business of theirs."""
