# Each target makes .venv by itself: a fresh machine needs Python 3.11 or later, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO_OUTPUT ?= demo-output

PEERS := .venv-peers
PEERS_INSTALLED := $(PEERS)/.installed
# The peers' environment holds univox too, so that both are measured in one process.
BENCH_PYTHON = $(if $(wildcard $(PEERS_INSTALLED)),$(PEERS)/bin/python,$(BIN)/python)
DATASET ?= hippocampus_mri
TRAINING_OUTPUT ?= bench-training

.PHONY: demo test check format clean bench bench-peers bench-training

demo: $(INSTALLED)
	$(BIN)/univox demo --output $(DEMO_OUTPUT) --overwrite

test: $(INSTALLED)
	scripts/test

check: $(INSTALLED)
	scripts/check

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED)
	$(BENCH_PYTHON) benchmarks/run.py

bench-peers: $(PEERS_INSTALLED)

bench-training: $(INSTALLED)
	$(BIN)/python benchmarks/training.py "$(DATASET)" -o $(TRAINING_OUTPUT)

clean:
	rm -rf $(VENV) $(PEERS) $(DEMO_OUTPUT) build dist

# torch goes first, so that nothing that depends on it chooses another build.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "univox needs Python 3.11 or later, got $$($(PYTHON) --version); remedy: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev,tensorboard]"
	touch $(INSTALLED)

$(PEERS_INSTALLED): pyproject.toml constraints.txt benchmarks/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --constraint constraints.txt torch
	$(PEERS)/bin/pip install --quiet --constraint constraints.txt --editable . --requirement benchmarks/peers.txt
	touch $(PEERS_INSTALLED)
