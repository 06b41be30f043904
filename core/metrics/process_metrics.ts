/** `process_*` metrics under the names that Prometheus' Go client uses, as dashboards expect. */

import { readdirSync, readFileSync } from "node:fs";
import { Counter, Gauge, type Registry } from "prom-client";

/**
 * Registers CPU time, memory, descriptors and start time. prom-client's own set is not used: it
 * cannot be had without the event loop and garbage collector probes, which cost CPU while idle.
 */
export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry];
  const startedAt = Date.now() / 1000 - process.uptime();
  let counted = 0;
  new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system CPU time spent, in seconds.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      const total = (user + system) / 1e6;
      this.inc(Math.max(0, total - counted));
      counted = total;
    },
  });
  const gauge = (name: string, help: string, read: () => number | undefined) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read();
        if (value !== undefined) this.set(value);
      },
    });
  gauge("process_start_time_seconds", "Start of the process, as Unix time.", () => startedAt);
  gauge(
    "process_resident_memory_bytes",
    "Resident memory.",
    () => statusBytes("VmRSS") ?? process.memoryUsage.rss(),
  );
  if (process.platform !== "linux") return;
  gauge("process_virtual_memory_bytes", "Virtual memory.", () => statusBytes("VmSize"));
  gauge("process_open_fds", "Open file descriptors.", () => readdirSync("/proc/self/fd").length);
  gauge("process_max_fds", "Limit of open file descriptors.", maxDescriptors);
}

/** A line of `/proc/self/status` in bytes; undefined where there is no such file. */
function statusBytes(key: string): number | undefined {
  if (process.platform !== "linux") return undefined;
  const kibibytes = new RegExp(`^${key}:\\s+(\\d+) kB$`, "m")
    .exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

function maxDescriptors(): number | undefined {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return soft === undefined ? undefined : Number(soft);
}
