/** What an executor is doing for its job, in GitLab Runner's words for metrics. */

export type Activity =
  | "docker_prepare"
  | "docker_creating_build_volumes"
  | "docker_creating_services"
  | "docker_pulling_image"
  | "docker_run";
