/** Flags that several helper commands share, and what is read from them. */

import type { ArtifactAccess } from "../coordinator/artifacts.ts";
import { ConfigurationError } from "../errors.ts";
import { Secret } from "../util/secret.ts";
import type { HelperFlag, HelperValues } from "./flags.ts";
import type { HelperContext } from "./helper_command.ts";

/** How the coordinator is reached, and as which job. */
export const CREDENTIAL_FLAGS: readonly HelperFlag[] = [
  { name: "id", type: "int", env: "CI_JOB_ID", help: "Job the artifacts belong to" },
  { name: "token", type: "string", env: "CI_JOB_TOKEN", help: "Token of that job" },
  { name: "url", type: "string", env: "CI_SERVER_URL", help: "URL of the GitLab instance" },
  {
    name: "tls-ca-file",
    type: "string",
    env: "CI_SERVER_TLS_CA_FILE",
    help: "PEM file with the authorities to trust",
  },
  {
    name: "tls-cert-file",
    type: "string",
    env: "CI_SERVER_TLS_CERT_FILE",
    help: "PEM file with the client certificate",
  },
  {
    name: "tls-key-file",
    type: "string",
    env: "CI_SERVER_TLS_KEY_FILE",
    help: "PEM file with the client certificate's key",
  },
];

export const SELECTION_FLAGS: readonly HelperFlag[] = [
  { name: "path", type: "list", help: "Path or pattern to take" },
  { name: "exclude", type: "list", help: "Pattern to leave out" },
  { name: "untracked", type: "bool", help: "Take all files that git does not track" },
  { name: "verbose", type: "bool", help: "Print every file that is taken" },
];

export const RETRY_FLAGS: readonly HelperFlag[] = [
  { name: "retry", type: "int", default: "2", help: "How often to try again" },
  { name: "retry-time", type: "duration", default: "1s", help: "Pause before trying again" },
];

/** Accepted for compatibility: there is no meter. */
export const METER_FLAGS: readonly HelperFlag[] = [
  {
    name: "transfer-meter-frequency",
    type: "duration",
    env: "TRANSFER_METER_FREQUENCY",
    default: "0s",
    help: "Accepted and not used",
  },
];

/** Throws ConfigurationError when the flags name no job. */
export function artifactAccess(values: HelperValues, context: HelperContext): ArtifactAccess {
  const url = values.text("url");
  const token = new Secret(values.text("token"));
  if (url === "" || token.isEmpty) throw new ConfigurationError("Missing runner credentials");
  const jobId = values.int("id");
  if (jobId <= 0) throw new ConfigurationError("Missing build ID");
  return {
    url,
    jobId,
    token,
    tls: {
      caFile: values.text("tls-ca-file"),
      certFile: values.text("tls-cert-file"),
      keyFile: values.text("tls-key-file"),
    },
    env: context.env,
    logger: context.logger,
  };
}
