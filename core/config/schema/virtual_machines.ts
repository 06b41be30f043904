/** `[runners.parallels]` and `[runners.virtualbox]`. */

import { bool, strings, text } from "../keys.ts";

export const parallelsKeys = {
  base_name: text("source VM"),
  template_name: text("linked-clone template"),
  disable_snapshots: bool("delete VM after each job instead of reverting"),
  time_server: text("guest ntpdate server", { default: "time.apple.com" }),
  allowed_images: strings("regexes for job-selected VM"),
};

export const virtualboxKeys = {
  base_name: text("source VM"),
  base_snapshot: text("snapshot to clone"),
  base_folder: text("folder for new VMs"),
  disable_snapshots: bool("delete VM after each job"),
  allowed_images: strings("regexes for job-selected VM"),
  start_type: text("VBoxManage start type", { default: "headless" }),
};
