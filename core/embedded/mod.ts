/** Door of the embedded coordinator. */

export { apiError, textAnswer } from "./answers.ts";
export {
  ArtifactStore,
  downloadAnswer,
  type ReceiveOutcome,
  type StoredArtifact,
} from "./artifact_store.ts";
export { Call } from "./call.ts";
export { type CoordinatorCommandOptions, runCoordinatorCommand } from "./command.ts";
export type { Finding, Rule } from "./checks.ts";
export { EmbeddedCoordinator, type JobPlacement } from "./coordinator.ts";
export type { ActiveFault, FaultInput, FaultPredicate } from "./faults.ts";
export { GitHttp } from "./git_http.ts";
export type { EmbeddedJob, JobOutcome, JobState } from "./jobs.ts";
export type { CoordinatorOptions, CoordinatorSettings } from "./options.ts";
export type { JobDescriptionInput } from "./payload.ts";
export type { RecordedRequest } from "./recorder.ts";
export type { EmbeddedRunner, RunnerSettings } from "./runners.ts";
