#!/usr/bin/env bash
# Installs Java for DynamoDB Local on Debian and Ubuntu, unless Java 17 or newer is already installed.
set -euo pipefail

has_java() {
  local major
  major="$(java -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p')" || return 1
  [[ "${major:-0}" -ge 17 ]]
}
fail() {
  echo "DynamoDB Local needs Java 17 or newer, as java in the PATH. $1" >&2
  exit 1
}

has_java && exit
command -v apt-get > /dev/null || fail "Install it."
as_root=()
if [[ $EUID -ne 0 ]]; then
  command -v sudo > /dev/null || fail "Install it, or run this script as root."
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update
# On distributions without Java 17, the default Java is newer.
"${as_root[@]}" apt-get install -y --no-install-recommends openjdk-17-jre-headless ||
  "${as_root[@]}" apt-get install -y --no-install-recommends default-jre-headless
has_java || fail "apt-get installed an older version."
