/** `[runners.ssh]`: how to reach a machine over SSH. */

import { bool, secret, text } from "../keys.ts";

export const sshKeys = {
  user: text("user to log in as"),
  password: secret("password"),
  host: text("address of the server", { default: "localhost" }),
  port: text("port of the server", { default: "22" }),
  identity_file: text("file with the private key"),
  disable_strict_host_key_checking: bool("skip known_hosts check", {
    env: "DISABLE_STRICT_HOST_KEY_CHECKING",
  }),
  known_hosts_file: text("known hosts path", { env: "KNOWN_HOSTS_FILE" }),
};
