/** Security contexts of `[runners.kubernetes]`. */

import { ints, optionalBool, optionalInt, strings, text } from "../keys.ts";
import { optionalTable } from "../tables.ts";

const profileKeys = {
  type: text("RuntimeDefault, Localhost or Unconfined"),
  localhost_profile: text("needed for Localhost"),
};

const profiles = {
  seccomp_profile: optionalTable("seccomp profile", () => profileKeys, { flags: true }),
  app_armor_profile: optionalTable(
    "AppArmor profile, Kubernetes 1.30 or newer",
    () => profileKeys,
    {
      flags: true,
    },
  ),
};

export const podSecurityContextKeys = {
  fs_group: optionalInt("volume group id"),
  run_as_group: optionalInt("gid"),
  run_as_non_root: optionalBool("refuse root"),
  run_as_user: optionalInt("uid"),
  supplemental_groups: ints("extra gids", { env: null }),
  selinux_type: text("SELinux type", { env: null }),
  ...profiles,
};

const containerSecurityContextKeys = {
  capabilities: optionalTable("overrides cap_add and cap_drop, each list on its own", () => ({
    add: strings("added"),
    drop: strings("dropped"),
  }), { flags: true }),
  privileged: optionalBool("privileged; the runner's value when unset"),
  run_as_user: optionalInt("uid"),
  run_as_group: optionalInt("gid"),
  run_as_non_root: optionalBool("refuse root"),
  read_only_root_filesystem: optionalBool("read-only root"),
  allow_privilege_escalation: optionalBool("the runner's value when unset"),
  selinux_type: text("SELinux type", { env: null }),
  proc_mount: text("default or unmasked, in any case"),
  ...profiles,
};

/** The same for the init, build, helper and service containers. */
export const containerSecurityContext = optionalTable(
  "security context of the container",
  () => containerSecurityContextKeys,
  { flags: true },
);
