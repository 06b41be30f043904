#!/bin/sh
# Makes the image runner-test/sshd from runner-test/git and the machine's own OpenSSH server, where it is
# not there yet: root logs in with the password `in-the-image`. Its host key is made when it starts.
# Prints its name with a tag that tells the content. Needs the docker CLI; DOCKER_HOST says where.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

base=$(sh "$here/git.sh")
sshd=/usr/sbin/sshd
keygen=$(command -v ssh-keygen)
libraries=$(ldd "$sshd" "$keygen" | grep -o '/[^ ]* (0x' | sed 's/ (0x//' | sort -u)
# 2: the version of the recipe below.
tag=$({ echo "$base"; cat "$sshd" "$keygen" $libraries; } | sha256sum | cut -c1-16)-2
image=runner-test/sshd:$tag

# Of two at once, one would leave an image without a name.
exec 9>"/tmp/runner-test-image-sshd.lock"
flock 9
if ! docker image inspect "$image" >/dev/null 2>&1; then
  root=$(mktemp -d)
  container=$(docker create "$base")
  trap 'rm -rf "$root"; docker rm -f "$container" >/dev/null' EXIT
  chmod 755 "$root"
  mkdir -p "$root/usr/sbin" "$root/usr/bin" "$root/etc/ssh" "$root/run/sshd" "$root/var/empty"
  for file in "$sshd" "$keygen" $libraries; do
    mkdir -p "$root$(dirname "$file")"
    cp -L "$file" "$root$file"
  done
  printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' 'nobody:x:65534:65534:nobody:/:/bin/sh' \
    'sshd:x:100:65534::/run/sshd:/bin/false' >"$root/etc/passwd"
  hash=$(perl -e 'print crypt("in-the-image", q($6$runner-test$))')
  echo "root:$hash:19000:0:99999:7:::" >"$root/etc/shadow"
  printf '%s\n' 'HostKey /etc/ssh/host_key' 'PermitRootLogin yes' 'UsePAM no' >"$root/etc/ssh/sshd_config"
  printf '#!/bin/sh\nssh-keygen -q -t ed25519 -N "" -f /etc/ssh/host_key\nexec %s -D -e\n' "$sshd" \
    >"$root/usr/sbin/serve"
  chmod 755 "$root/usr/sbin/serve"
  tar -C "$root" --numeric-owner --owner=0 --group=0 -c . | docker cp - "$container:/"
  docker commit --change 'CMD ["/usr/sbin/serve"]' "$container" "$image" >/dev/null
fi
echo "$image"
