#!/usr/bin/env bash
# Unit and integration tests: by nextest where it is installed, else by cargo. A flaky test is a failing test: no retries.
set -euo pipefail
export INSTA_UPDATE=no

if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --all-targets --locked --retries 0 --no-fail-fast --status-level slow --final-status-level fail
else
  cargo test --workspace --all-targets --locked --no-fail-fast --quiet
fi
