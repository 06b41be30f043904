/** `[runners.machine]`: docker-machine autoscaling, deprecated. */

import { float, int, strings, text } from "../keys.ts";
import { tables } from "../tables.ts";

export const machineKeys = {
  MaxGrowthRate: int("parallel machine creations"),
  IdleCount: int("idle machines kept", { flag: "--machine-idle-nodes" }),
  IdleScaleFactor: float("idle target as factor of used machines"),
  IdleCountMin: int("floor when the factor is used", { default: 1, min: 1 }),
  IdleTime: int("seconds before idle removal"),
  MaxBuilds: int("jobs per machine"),
  MachineDriver: text("docker-machine driver", { env: "MACHINE_DRIVER" }),
  MachineName: text("name template with %s", { env: "MACHINE_NAME" }),
  MachineOptions: strings("create options", { env: "MACHINE_OPTIONS" }),
  MachineOptionsWithName: strings("options where %s is the machine name", {
    env: "MACHINE_OPTIONS_WITH_NAME",
  }),
  MaxRemovalAttempts: int("removal tries", { default: 30 }),
  OffPeakPeriods: strings("legacy off-peak windows (ignored since 14.0)", { flag: null }),
  OffPeakTimezone: text("legacy", { flag: null }),
  OffPeakIdleCount: int("legacy", { flag: null }),
  OffPeakIdleTime: int("legacy", { flag: null }),
  autoscaling: tables("period-specific overrides; last match wins", {
    Periods: strings("cron windows (7 fields incl. seconds)"),
    Timezone: text("zone"),
    IdleCount: int("override"),
    IdleScaleFactor: float("override"),
    IdleCountMin: int("override", { default: 1, min: 1 }),
    IdleTime: int("override"),
  }),
};
