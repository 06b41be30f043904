/** Door of the docker executor. */

export { DockerExecutorProvider, type DockerProviderOptions } from "./provider.ts";
export { helperImageCommand } from "./helper_image/command.ts";
