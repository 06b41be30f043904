/** Door of the SSH client. */

export { connect, STARTING_TRIES, USUAL_TRIES } from "./connect.ts";
export type { SshTarget } from "./connection.ts";
export { EXPIRED_PASSWORD } from "./credentials.ts";
export type { SshHost, SshStarter } from "./host.ts";
export { SshHosts } from "./hosts.ts";
export { PASSPHRASE_VARIABLE } from "./private_key.ts";
export type { SshProcess } from "./process.ts";
