/** Calls about a job of which only its record is left. */

import type { Coordinator, JobHandle } from "../coordinator/coordinator.ts";
import type { JobRecord } from "../trace/record.ts";
import { Secret } from "../util/secret.ts";
import { runnerInfo } from "./announce.ts";
import type { RunnerAddress } from "./connect.ts";

/** The record says all that is needed: the entry may be gone from config.toml by now. */
export function outboxHandle(
  record: JobRecord,
  connect: (runner: RunnerAddress) => Coordinator,
): JobHandle {
  const { facts } = record;
  const coordinator = connect({
    url: facts.coordinatorUrl,
    token: new Secret(""),
    executor: facts.executor,
    "tls-ca-file": facts.tls.caFile ?? "",
    "tls-cert-file": facts.tls.certificateFile ?? "",
    "tls-key-file": facts.tls.keyFile ?? "",
  });
  const identity = { id: facts.jobId, token: facts.jobToken.reveal() };
  return coordinator.job(identity, runnerInfo(undefined, undefined));
}
