/** `[runners.ssh]`: how to reach a machine over SSH. */

import { bool, secret, text } from "../keys.ts";

export const sshKeys = {
  user: text("login"),
  password: secret("password"),
  host: text("host", { default: "localhost" }),
  port: text("port", { default: "22" }),
  identity_file: text("private key path"),
  disable_strict_host_key_checking: bool("skip known_hosts check", {
    env: "DISABLE_STRICT_HOST_KEY_CHECKING",
  }),
  known_hosts_file: text("known hosts path", { env: "KNOWN_HOSTS_FILE" }),
};
