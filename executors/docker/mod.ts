/** Door of the docker executor. */

export { DockerExecutorProvider, type DockerProviderOptions } from "./provider.ts";
