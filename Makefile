# `make demo` and `make test` do everything on a fresh machine: they make .venv and install what is pinned.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check matrix system mutation clean

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: .venv/installed
	rm -rf runs/demo
	$(BIN)/spar train dcgan --data digits --out runs/demo --images 300000 --reports 10
	@echo "look at runs/demo/samples/beside.png, runs/demo/curves.png and runs/demo/report.html"

test: .venv/installed
	$(BIN)/pytest -n 2

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

# Damaged files, failing disks, power cuts, kills: minutes to hours.
SYSTEM := fuzz faults kills kill_ranks
system: .venv/installed
	for script in $(SYSTEM); do $(BIN)/python tests/system/$$script.py || exit 1; done

matrix: .venv/installed
	$(BIN)/pytest -m matrix tests/test_vocabulary.py

# Not in CI: 300 mutants of the mathematics, each with the tests of its module. Survivors: tests/mutation/survivors.md
mutation: .venv/installed
	$(BIN)/python tests/mutation/run.py

clean:
	rm -rf .venv runs
