# The front door: what a person, and CI, can ask for.
CARGO ?= cargo

.DEFAULT_GOAL := help
.PHONY: help demo test setup check format bench vectors docs clean

help: ## Say what there is
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

demo: ## Tell the whole story on this machine, then stay up for a browser
	$(CARGO) run --locked -- demo

test: setup ## Install what the tests need and this machine lacks, then run everything
	$(CARGO) test --workspace --locked --no-fail-fast

setup: ## Only install what the tests need
	tests/setup/install

check: ## Formatting, lints, documentation; dependencies where cargo-deny is installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --workspace --no-deps --document-private-items --locked
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --all-features --locked check bans licenses sources; \
	else echo 'cargo-deny is not installed; tests/dependencies.rs holds deny.toml against the tree in `make test`'; fi

format: ## Format the code
	$(CARGO) fmt --all

bench: ## Measure, each number beside its ceiling
	$(CARGO) bench --locked

vectors: ## Write the golden vectors of new event versions; old ones never change
	BLESS=1 $(CARGO) test --locked -p events --test vocabulary vectors

docs: ## Write the documents that are made from the code
	BLESS=1 $(CARGO) test --locked -p events --test vocabulary docs

clean: ## Forget builds and what the tests installed here
	$(CARGO) clean
	rm -rf .cache
