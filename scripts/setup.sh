#!/bin/sh
# Installs what a fresh clone needs: the pinned tools and libraries of package-lock.json and, with
# `--tests`, the programs that tests call. Says nothing when all is there; may run any number of times.
set -eu
cd "$(dirname "$0")/.."

log=$(mktemp)
policy=
trap 'rm -f "$log" $policy' EXIT

quietly() {
  "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    printf 'setup: "%s" failed; its output is above\n' "$*" >&2
    exit 1
  }
}

install_packages() {
  # The copy of the lock file says which one node_modules was installed from.
  cmp -s package-lock.json node_modules/.installed-lock.json && return
  echo 'setup: installing the packages of package-lock.json' >&2
  if command -v npm >/dev/null; then
    quietly npm ci --loglevel=error --no-audit --no-fund
  elif command -v bun >/dev/null; then
    quietly bun install --frozen-lockfile --no-save
  else
    echo 'setup: npm is missing; install Node.js 18 or newer with npm, then run this again' >&2
    exit 1
  fi
  cp package-lock.json node_modules/.installed-lock.json
}

check_bun() {
  node_modules/.bin/bun --version >/dev/null 2>&1 && return
  # Where npm runs no install scripts, Bun's package holds a placeholder until its own script ran.
  quietly "$(command -v node || command -v bun)" node_modules/bun/install.js
  quietly node_modules/.bin/bun --version
}

missing_debian_packages() {
  while read -r program package; do
    command -v "$program" >/dev/null 2>&1 || printf '%s\n' "$package"
  done <<END
bash bash
busybox busybox-static
bwrap bubblewrap
dash dash
debootstrap debootstrap
docker-registry docker-registry
dockerd docker.io
fish fish
git git
git-lfs git-lfs
ksh ksh93u+m
lxc-start lxc
openssl openssl
ps procps
python3 python3
podman podman netavark aardvark-dns
setsid util-linux
sshd openssh-server
systemd-nspawn systemd-container
tcsh tcsh
unzip unzip
zip zip
zsh zsh
zstd zstd
END
}

install_test_programs() {
  missing=$(missing_debian_packages | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    printf 'setup: tests also use %s; those that need what is missing will say so\n' "$missing" >&2
    return 0
  fi
  printf 'setup: installing %s\n' "$missing" >&2
  # shellcheck disable=SC2086 # one word per package
  { apt-get update && without_services env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    printf 'setup: apt-get could not install %s; tests that need them will say so\n' "$missing" >&2
  }
  # Tests start what they need themselves: nobody asked for a server that lets people in at the next
  # boot, nor for a bridge.
  case " $missing" in *' openssh-server '*) not_at_boot ssh.service ssh.socket ;; esac
  case " $missing" in *' lxc '*) not_at_boot lxc.service lxc-net.service ;; esac
}

not_at_boot() {
  ! command -v systemctl >/dev/null || systemctl disable "$@" >/dev/null 2>&1 || :
}

# Debian starts a service that it installs, unless this file of the administrator forbids it.
without_services() {
  [ ! -e /usr/sbin/policy-rc.d ] || { "$@"; return; }
  policy=/usr/sbin/policy-rc.d
  printf '#!/bin/sh\nfor word; do case $word in ssh|lxc|lxc-net) exit 101 ;; esac; done\n' >"$policy"
  chmod 755 "$policy"
  "$@" && installed=0 || installed=$?
  rm -f "$policy"
  return "$installed"
}

install_packages
check_bun
[ "${1:-}" != --tests ] || install_test_programs
