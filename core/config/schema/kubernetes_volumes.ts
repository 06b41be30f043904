/** `[runners.kubernetes.volumes]`: what is mounted beside the job's own volumes. */

import { bool, map, text } from "../keys.ts";
import { tables } from "../tables.ts";

const mountKeys = {
  name: text("volume name / claim name / object name"),
  mount_path: text("mount point, variables expanded"),
  sub_path: text("path within volume"),
};
const read_only = bool("read-only mount");
const mount_propagation = text("None, HostToContainer, Bidirectional");
const items = map("key → file path");

export const volumeKeys = {
  host_path: tables("host path mounts", {
    ...mountKeys,
    read_only,
    host_path: text("node path, the mount path when empty"),
    mount_propagation,
  }),
  pvc: tables("claims", { ...mountKeys, read_only, mount_propagation }),
  config_map: tables("config maps", { ...mountKeys, read_only, items }),
  secret: tables("secrets", { ...mountKeys, read_only, items }),
  empty_dir: tables("empty dirs", {
    ...mountKeys,
    medium: text("Memory for tmpfs"),
    size_limit: text("quantity"),
    mount_propagation,
  }),
  csi: tables("CSI volumes", {
    ...mountKeys,
    driver: text("CSI driver"),
    fs_type: text("filesystem"),
    read_only,
    volume_attributes: map("driver attributes"),
  }),
  nfs: tables("NFS volumes; name, mount_path, server, path mandatory", {
    ...mountKeys,
    server: text("NFS host"),
    path: text("export path"),
    read_only,
  }),
};
