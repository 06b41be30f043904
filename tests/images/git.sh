#!/bin/sh
# Makes the image runner-test/git from the machine's own bash, git and C library, with busybox for the
# rest, where it is not there yet: fit for jobs and for their helper. Prints its name with a tag that
# tells the content. Needs the docker CLI; DOCKER_HOST says where.
set -eu

for program in busybox git bash; do
  command -v "$program" >/dev/null || { echo "git.sh: there is no $program" >&2; exit 1; }
done
core=$(git --exec-path)
programs="$(command -v bash) $(command -v git) $core/git $core/git-remote-http"
libraries=$(ldd $programs | grep -o '/[^ ]* (0x' | sed 's/ (0x//' | sort -u)
# What programs load besides: the C library's parts, name service included.
c_library=$(dirname "$(printf '%s\n' "$libraries" | grep '/libc\.so\.6$')")
for name in libdl.so.2 libm.so.6 libpthread.so.0 librt.so.1 libnss_files.so.2 libnss_dns.so.2; do
  [ ! -e "$c_library/$name" ] || libraries="$libraries $c_library/$name"
done
busybox=$(command -v busybox)
# 2: the version of the recipe below.
tag=$(cat "$busybox" $programs $libraries | sha256sum | cut -c1-16)-2
image=runner-test/git:$tag

# Of two at once, one would leave an image without a name.
exec 9>"/tmp/runner-test-image-git.lock"
flock 9
if ! docker image inspect "$image" >/dev/null 2>&1; then
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  mkdir -p "$root/bin" "$root/etc" "$root/root" "$root/tmp" "$root/usr/bin" "$root$core"
  chmod 755 "$root"
  chmod 1777 "$root/tmp"
  cp "$busybox" "$root/bin/busybox"
  for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
  done
  for library in $libraries; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
  rm -f "$root/bin/bash"
  cp -L "$(command -v bash)" "$root/bin/bash"
  cp -L "$(command -v git)" "$root/usr/bin/git"
  cp -a "$core/." "$root$core/"
  for name in git git-remote-http; do cp -L "$core/$name" "$root$core/$name"; done
  [ ! -d /usr/share/git-core/templates ] || {
    mkdir -p "$root/usr/share/git-core"
    cp -a /usr/share/git-core/templates "$root/usr/share/git-core/"
  }
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >>"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  tar -C "$root" --numeric-owner --owner=0 --group=0 -c . |
    docker import --change 'CMD ["/bin/sh"]' - "$image" >/dev/null
fi
echo "$image"
