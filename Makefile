# Six words: demo, test, coverage, check, bench, docs. Each sets up what it needs in .venv first.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test coverage check bench docs

demo: $(READY)
	@mkdir -p runs
	$(BIN)/rnnscope trace prose-lstm trained/prose-lstm/demo.txt -o runs/demo.zarr --save runs/demo.png --force
	$(BIN)/rnnscope show runs/demo.zarr l0.c.170 --save runs/demo-unit.png --force
	$(BIN)/rnnscope show runs/demo.zarr l0.c.170
	$(BIN)/rnnscope report prose-lstm trained/prose-lstm/demo.txt -o runs/demo.html --force

TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

test: $(READY)
	@$(TEST)

coverage: $(READY)
	@$(TEST) --cov --cov-report=term

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python

bench: $(READY)
	for script in startup recording training ngram memory units gradients probes attribution report; do $(BIN)/python benchmarks/$$script.py || exit; done

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "Open build/site/index.html; with its search: python3 -m http.server -d build/site"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rnnscope needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --constraint constraints.txt --editable . --group dev
	@touch $(READY)
