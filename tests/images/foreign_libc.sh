#!/bin/sh
# Makes the image runner-test/foreign-libc, where it is not there yet: busybox and git, and no C library
# where programs for GNU/Linux look for theirs, as in an image that has another (Alpine). The machine's
# git runs in it with a loader of its own in /opt/git. Prints its name with a tag that tells the content.
# Needs the docker CLI; DOCKER_HOST says where.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

base=$(sh "$here/busybox.sh")
git=$(command -v git)
core=$(git --exec-path)
# 1: the version of the recipe below.
tag=$({ echo "$base"; sha256sum "$git" "$core/git-remote-http"; } | sha256sum | cut -c1-16)-1
image=runner-test/foreign-libc:$tag

# Of two at once, one would leave an image without a name.
exec 9>"/tmp/runner-test-image-foreign-libc.lock"
flock 9
if ! docker image inspect "$image" >/dev/null 2>&1; then
  root=$(mktemp -d)
  container=$(docker create "$base")
  trap 'rm -rf "$root"; docker rm -f "$container" >/dev/null' EXIT
  chmod 755 "$root"
  mkdir -p "$root/opt/git/lib" "$root/opt/git/bin" "$root/opt/git/core" "$root/usr/bin"
  loader=
  for library in $(ldd "$git" "$core/git-remote-http" | grep -o '/[^ )]*\.so[^ )]*' | sort -u); do
    cp -L "$library" "$root/opt/git/lib/"
    case "${library##*/}" in ld-*) loader=${library##*/} ;; esac
  done
  with_loader() {
    cp -L "$1" "$root/opt/git/bin/"
    printf '#!/bin/sh\nexport GIT_EXEC_PATH=/opt/git/core GIT_TEMPLATE_DIR=\n' >"$2"
    printf 'exec /opt/git/lib/%s --library-path /opt/git/lib /opt/git/bin/%s "$@"\n' \
      "$loader" "${1##*/}" >>"$2"
    chmod 755 "$2"
  }
  with_loader "$git" "$root/opt/git/core/git"
  with_loader "$core/git-remote-http" "$root/opt/git/core/git-remote-http"
  ln -s git-remote-http "$root/opt/git/core/git-remote-https"
  ln -s /opt/git/core/git "$root/usr/bin/git"
  docker export "$container" | tar -C "$root" -x --exclude=dev --exclude=proc --exclude=sys
  tar -C "$root" --numeric-owner --owner=0 --group=0 -c . |
    docker import --change 'CMD ["/bin/sh"]' - "$image" >/dev/null
fi
echo "$image"
