/** Door of the embedded coordinator. */

export { type CoordinatorCommandOptions, runCoordinatorCommand } from "./command.ts";
export type { Finding, Rule } from "./checks.ts";
export { EmbeddedCoordinator, type JobPlacement } from "./coordinator.ts";
export type { ActiveFault, FaultInput, FaultPredicate } from "./faults.ts";
export type { EmbeddedJob, JobOutcome, JobState } from "./jobs.ts";
export type { CoordinatorOptions, CoordinatorSettings } from "./options.ts";
export type { JobDescriptionInput } from "./payload.ts";
export type { RecordedRequest } from "./recorder.ts";
export type { EmbeddedRunner, RunnerSettings } from "./runners.ts";
