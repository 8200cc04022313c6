#!/usr/bin/env bash
# Prints the path of Chromium or Chrome for `npm run docs` and `npm run diagrams`. Installs Debian's package chromium first if neither
# is installed.
set -euo pipefail

print_chromium() {
  if [[ -n "${CHROMIUM_PATH:-}" ]]; then
    [[ -x "$CHROMIUM_PATH" ]] || fail "CHROMIUM_PATH is $CHROMIUM_PATH, which is not an executable file."
    echo "$CHROMIUM_PATH"
    return 0
  fi
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return 0
  done
  return 1
}
fail() {
  echo "The documentation needs Chromium or Chrome, in the PATH or in CHROMIUM_PATH. $1" >&2
  exit 1
}

print_chromium && exit
command -v apt-get > /dev/null || fail "Install it."
as_root=()
if [[ $EUID -ne 0 ]]; then
  sudo -n true 2> /dev/null || fail "Install it, or run this script as root."
  as_root=(sudo -n)
fi
# Without fonts-liberation, Chromium measures the texts of diagrams with another font than Arial.
{
  "${as_root[@]}" apt-get update
  "${as_root[@]}" apt-get install -y --no-install-recommends chromium fonts-liberation
} > /dev/null || fail "apt-get could not install it."
print_chromium || fail "apt-get installed no executable file named chromium."
