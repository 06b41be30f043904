/** Door of the embedded coordinator. */

export { apiError, textAnswer } from "./answers.ts";
export {
  ArtifactStore,
  downloadAnswer,
  type ReceiveOutcome,
  type StoredArtifact,
  uploadRefusal,
} from "./artifact_store.ts";
export { Call } from "./call.ts";
export { runCoordinatorCommand } from "./command.ts";
export { EmbeddedCoordinator } from "./coordinator.ts";
export type { FaultInput } from "./faults.ts";
export { GitHttp } from "./routes/git.ts";
export type { EmbeddedJob, JobOutcome } from "./jobs.ts";
export type { CoordinatorOptions } from "./options.ts";
export type { JobDescriptionInput } from "./payload.ts";
export type { RecordedRequest } from "./recorder.ts";
export { dotenvVariables } from "./reports.ts";
export type { EmbeddedRunner } from "./runners.ts";
