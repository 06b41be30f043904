#!/bin/sh
# Makes helper images for a release: dist/helper-image-<processor>.tar, of a base image that has git or a
# package manager. The Docker Engine (DOCKER_HOST) must run containers of each processor.
#   sh scripts/helper_image/build.sh BASE [x64|arm64]…
set -eu
cd "$(dirname "$0")/../.."

base=${1:?name the base image, such as debian:12-slim}
shift
[ $# -gt 0 ] || set -- x64

sh scripts/build.sh
for processor in "$@"; do
  case $processor in
    x64) platform=linux/amd64 ;;
    arm64) platform=linux/arm64 ;;
    *) echo "helper_image: unknown processor \"$processor\": use x64 or arm64" >&2 && exit 2 ;;
  esac
  sh scripts/build.sh "linux-$processor"
  name=gitlab-runner-helper:release-$processor
  dist/runner helper-image build --base "$base" --platform "$platform" --name "$name" \
    --executable "dist/runner-linux-$processor"
  dist/runner helper-image save --name "$name" --file "dist/helper-image-$processor.tar"
done
