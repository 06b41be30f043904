/**
 * An authority that the operator has mounted into all containers of jobs: as GitLab's manual promises,
 * the helper trusts it, for sources, LFS, caches and artifacts.
 */

const MOUNTED = "/etc/gitlab-runner/certs/ca.crt";
/** Where Debian, Alpine and their like look for certificates of the machine's own. */
const PLACE = "/usr/local/share/ca-certificates";

/** Shell code that costs a look where nothing is mounted, or that is done. */
export const TRUST_MOUNTED_AUTHORITY =
  `if [ -f ${MOUNTED} ] && ! [ -e ${PLACE}/gitlab-runner-ca.crt ]; then ` +
  `mkdir -p ${PLACE} && cp ${MOUNTED} ${PLACE}/gitlab-runner-ca.crt && ` +
  "update-ca-certificates >/dev/null 2>&1 || " +
  `echo "WARNING: Cannot trust ${MOUNTED}: update-ca-certificates of the helper image fails"; fi`;
