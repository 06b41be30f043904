/** Door of the docker executor. */

export type { DockerExecutor } from "./executor.ts";
export { DockerExecutorProvider } from "./provider.ts";
export { helperImageCommand } from "./helper_image/command.ts";
