/** Door of the Docker Engine client. */

export { connectEngine } from "./connect_engine.ts";
export { EngineError } from "./engine_error.ts";
export type {
  ContainerDetails,
  ContainerSpec,
  Engine,
  EngineEvent,
  EngineInfo,
  ImageDetails,
  Labels,
  ListedContainer,
  ProcessEnd,
  PullProgress,
  RegistryAuth,
} from "./engine.ts";
