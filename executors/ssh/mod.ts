/** Door of the ssh executor. */

export { SshExecutorProvider, type SshProviderOptions } from "./provider.ts";
