# `make demo` and `make test` set up everything they need in .venv; nothing else is touched.
# On Linux, PyPI's torch brings CUDA along; another build: make test TORCH="torch==2.13.0 --index-url …"
PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint types docs benchmark clean

# The engine is compiled again when one of its files changes.
ENGINE := $(wildcard constrint/engine/*.p* constrint/engine/propagators/*.p*)
# What is tested a second time, on the interpreted engine.
REASONING := $(wildcard tests/test_random_problems.py tests/test_search.py tests/test_store.py tests/test_propagators*.py \
	tests/test_nogoods.py tests/test_tours.py tests/test_rows.py tests/test_root.py)

$(READY): pyproject.toml setup.py $(ENGINE)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH)
	# Ignored: setuptools warns of every package folder that is mapped to another name, as hardware_profiles is.
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable ".[dev,cp-sat]"
	# The published package of the same name, for comparison: beside the environment, not in it.
	test -d $(VENV)/published || $(BIN)/python -m pip install --quiet --no-deps --target $(VENV)/published flashrnn==1.0.8
	touch $@

demo: $(READY)
	$(BIN)/python examples/demo.py
	$(BIN)/python examples/kernels_side_by_side.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

test: lint types docs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal
	CONSTRINT_ENGINE=interpreted $(BIN)/python -m pytest -n 2 --dist worksteal $(REASONING)

benchmark: $(READY)
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.spaces
	$(BIN)/python -m benchmarks.linear

clean:
	find constrint -name "*.so" -delete
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
