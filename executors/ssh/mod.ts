/** Door of the ssh executor. */

export type { SshExecutor } from "./executor.ts";
export { SshExecutorProvider } from "./provider.ts";
