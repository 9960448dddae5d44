# Each target makes .venv by itself: a fresh machine needs Python 3.11 or later, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO_OUTPUT ?= demo-output

.PHONY: demo test check format clean

demo: $(INSTALLED)
	$(BIN)/univox demo --output $(DEMO_OUTPUT) --overwrite

test: $(INSTALLED)
	scripts/test

check: $(INSTALLED)
	scripts/check

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) $(DEMO_OUTPUT) build dist

# torch goes first, so that nothing that depends on it chooses another build.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "univox needs Python 3.11 or later, got $$($(PYTHON) --version); remedy: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev,tensorboard]"
	touch $(INSTALLED)
