/** Door of the Docker Engine client. */

export { connectEngine } from "./connect_engine.ts";
export type { EndpointOptions } from "./endpoint.ts";
export { EngineError } from "./engine_error.ts";
export { parseImageReference } from "./image_reference.ts";
export type {
  AttachedStreams,
  ContainerDetails,
  ContainerSpec,
  Engine,
  EngineErrorKind,
  EngineEvent,
  EngineInfo,
  ExecRequest,
  ImageDetails,
  Labels,
  ProcessEnd,
  PullProgress,
  RegistryAuth,
} from "./engine.ts";
