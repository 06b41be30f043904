import { describe, expect, test } from "bun:test";
import { jobEnvironment } from "../../../executors/shell/environment.ts";

describe("jobEnvironment", () => {
  test("hands on the manager's environment less the runtime's settings and secrets", () => {
    const kept = {
      PATH: "/bin",
      HOME: "/root",
      LD_PRELOAD: "/x.so",
      MAIL: "/m",
      SSL_CERT_FILE: "/c",
    };
    const dropped = {
      BUN_OPTIONS: "--preload x",
      BUN_BE_BUN: "1",
      NODE_OPTIONS: "--require x",
      NODE_TLS_REJECT_UNAUTHORIZED: "0",
      CI_SERVER_TOKEN: "s",
      REGISTRATION_TOKEN: "s",
      CI_SERVER_REGISTRATION_TOKEN: "s",
      RUNNER_TOKEN: "s",
      CACHE_S3_ACCESS_KEY: "s",
      CACHE_S3_SECRET_KEY: "s",
      CACHE_S3_SESSION_TOKEN: "s",
      CACHE_GCS_PRIVATE_KEY: "s",
      CACHE_AZURE_ACCOUNT_KEY: "s",
      SSH_PASSWORD: "s",
      SSH_PASSPHRASE: "s",
      KUBERNETES_BEARER_TOKEN: "s",
      SENTRY_DSN: "https://key@sentry.example.com/1",
      MY_RUNNER: "glrt-t1_s",
      MY_OLD_RUNNER: "glrtr-s",
      NOTIFY_SOCKET: "/run/n",
      WATCHDOG_USEC: "1",
      LISTEN_FDS: "1",
      UNDEFINED: undefined,
    };
    expect(jobEnvironment({ ...kept, ...dropped }, undefined)).toEqual(kept);
  });

  test("takes home and names from the account and leaves the starter's session out", () => {
    const account = { name: "ci", uid: 1, gid: 2, home: "/home/ci", shell: "/bin/zsh" };
    const manager = {
      PATH: "/sbin:/bin",
      LANG: "C",
      HOME: "/root",
      USER: "root",
      LOGNAME: "root",
      SHELL: "/bin/bash",
      MAIL: "/var/mail/root",
      XDG_RUNTIME_DIR: "/run/user/0",
      XDG_SESSION_ID: "1",
      DBUS_SESSION_BUS_ADDRESS: "unix:/x",
      SUDO_USER: "admin",
    };
    expect(jobEnvironment(manager, account)).toEqual({
      PATH: "/sbin:/bin",
      LANG: "C",
      HOME: "/home/ci",
      USER: "ci",
      LOGNAME: "ci",
      SHELL: "/bin/zsh",
    });
  });
});
