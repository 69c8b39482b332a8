# up: a cluster on this machine, with everything it needs installed. test and check: what CI runs.
.PHONY: up down test check bench

PYTHON := .venv/bin/python

up:
	@scripts/install.sh
	@scripts/up.sh

down:
	@scripts/down.sh

test:
	@scripts/install.sh --test
	@scripts/test.sh

check:
	@scripts/install.sh --venv dev,explain
	@scripts/check

bench:
	@scripts/install.sh --test
	@PATH="$(CURDIR)/.venv/bin:$$PATH:/usr/sbin:/sbin" $(PYTHON) benchmarks/run.py
