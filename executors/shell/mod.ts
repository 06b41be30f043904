/** Door of the shell executor. */

export { ShellExecutorProvider, type ShellProviderOptions } from "./provider.ts";
