/** Door of the docker-ssh executor. */

export { DockerSshExecutorProvider } from "./provider.ts";
