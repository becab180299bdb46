# The commands of this repository. `make help` lists them; what they do is in scripts/, or in cargo and CMake.

# A relative prefix means: from here.
PREFIX ?= /usr/local
CMAKE_RELEASE = cmake --preset release -D TURNKEEP_BUILD_TESTS=OFF -D TURNKEEP_BUILD_EXAMPLES=OFF \
	-D TURNKEEP_BUILD_CLI=ON -B build/install

.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-scale bench-peers install header abi manual format soak clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{printf "  make %-11s %s\n", $$1, $$2}'

demo: ## Keep a real conversation, kill the program half-way, go on
	@scripts/demo.sh

test: ## Everything that is tested (STEP="rust loom" for a part; scripts/test.sh lists them)
	@scripts/test.sh $(STEP)

bench: ## How fast it is, beside SQLite's own C API (ONLY=T1,T5 for a part)
	@scripts/bench.sh $(ONLY)

bench-scale: ## What it costs as a store grows to 1 000 000 (WRITE=1 writes docs/performance.md; as root drops the page cache)
	@WRITE=$(WRITE) scripts/bench_scale.sh

bench-peers: ## The same jobs on Turnkeep and on four other stores, whose Python packages it fetches (WRITE=1 as above)
	@WRITE=$(WRITE) scripts/bench_peers.sh

install: ## Library, headers, the program turnkeep, CMake package and pkg-config file (PREFIX=/usr/local)
	@scripts/setup.sh demo
	@$(CMAKE_RELEASE) > /dev/null
	@cmake --build build/install
	@cmake --install build/install --prefix "$(abspath $(PREFIX))"

header: ## Write include/turnkeep/turnkeep.h anew from src/ffi
	TURNKEEP_WRITE_HEADER=1 cargo test --locked --test header

abi: ## At a release: write abi/VERSION, what programs know that are built with it
	python3 scripts/abi.py write

manual: ## Write docs/cli.md anew from the help of the program
	TURNKEEP_WRITE_MANUAL=1 cargo test --locked --features cli --test cli manual

format: ## Format Rust, C and C++
	cargo fmt --all
	scripts/c_sources.sh | xargs clang-format -i

soak: ## What takes too long for the tests, more than an hour (STEP="load crash" for a part; scripts/soak.sh lists them)
	@scripts/soak.sh $(STEP)

clean: ## Remove everything that was built
	rm -rf build target
