#!/usr/bin/env bash
# Installs Java on Debian and Ubuntu unless 17 or newer is there: DynamoDB Local needs it.
set -euo pipefail

has_java() {
  local major
  major="$(java -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p')" || return 1
  [[ "${major:-0}" -ge 17 ]]
}
give_up() {
  echo "DynamoDB Local needs Java 17 or newer, as java in the PATH. $1" >&2
  exit 1
}

has_java && exit
command -v apt-get > /dev/null || give_up "Please install it."
as_root=()
if [[ $EUID -ne 0 ]]; then
  command -v sudo > /dev/null || give_up "Please install it, or run this as root."
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update
# Distributions that no longer have 17 have a newer one as their default.
"${as_root[@]}" apt-get install -y --no-install-recommends openjdk-17-jre-headless ||
  "${as_root[@]}" apt-get install -y --no-install-recommends default-jre-headless
has_java || give_up "What apt-get installed is not."
