import { describe, expect, test } from "bun:test";
import { JobResponse } from "../../../core/job/response.ts";
import { jobSpec } from "../../../core/job/spec.ts";
import { type JobFacts, jobFacts } from "../../../executors/docker/job_facts.ts";
import { planServices } from "../../../executors/docker/service_plan.ts";
import { testConfig } from "../../conformance/executor_suite.ts";

interface Given {
  readonly docker?: Readonly<Record<string, unknown>>;
  readonly runner?: Readonly<Record<string, unknown>>;
  readonly job?: Readonly<Record<string, unknown>>;
  readonly slot?: number;
  readonly systemId?: string;
}

function factsOf({ docker, runner, job, slot = 0, systemId = "s_1" }: Given): JobFacts {
  const config = testConfig({
    executor: "docker",
    docker: { image: "debian:12", ...docker },
    ...runner,
  });
  const response = JobResponse.parse({
    id: 5,
    token: "t",
    allow_git_fetch: true,
    job_info: { project_id: 7 },
    git_info: { repo_url: "https://gitlab.example.com/group/app.git" },
    ...job,
  });
  if (config.docker === undefined) throw new Error("no docker section");
  return jobFacts(jobSpec(response, { slot: { runner: 0, project: slot }, tls: {} }), {
    runner: config,
    docker: config.docker,
    manager: { systemId, instance: "i", stateDir: "/s", hostname: "h" },
    helperCommand: ["/h"],
  });
}

const variable = (key: string, value: string) => ({ key, value });
const sources = ({ volumes }: JobFacts) => volumes.mounts.map(({ Source }) => Source);

describe("jobFacts", () => {
  test("gives the jobs of a slot the same volumes and no others", () => {
    const first = sources(factsOf({}));
    // As GitLab Runner names them: SHA-256 of token, system ID, project and slot; MD5 of the path.
    expect(first).toEqual([
      "runner-e73333cf7f93cbe69baef66847054359-cache-c33bcaa1fd2c77edfc3893b41966cea8",
    ]);
    expect(sources(factsOf({}))).toEqual(first);
    for (
      const other of [
        factsOf({ slot: 1 }),
        factsOf({ systemId: "s_2" }),
        factsOf({ job: { job_info: { project_id: 8 } } }),
        factsOf({ runner: { token: "glrt-abcdefghijklmnoX" } }),
        factsOf({ job: { git_info: { protected: true } } }),
      ]
    ) expect(sources(other)).not.toEqual(first);
  });

  test("keeps the checkout only where the next job fetches into it", () => {
    expect(factsOf({}).volumes).toMatchObject({ temporaryBuilds: false, temporary: [] });
    for (
      const given of [
        { job: { variables: [variable("GIT_STRATEGY", "clone")] } },
        { docker: { disable_cache: true } },
      ]
    ) {
      const { volumes } = factsOf(given);
      expect(volumes.temporaryBuilds).toBe(true);
      expect(volumes.temporary).toHaveLength(1);
    }
  });

  test("keeps protected caches apart, and does not believe a job that says it is protected", () => {
    const protectedOne = sources(factsOf({ job: { git_info: { protected: true } } }));
    expect(protectedOne[0]).toEndWith("-protected");
    const isProtected = (job: NonNullable<Given["job"]>) =>
      sources(factsOf({ job }))[0]?.endsWith("-protected");
    const ref = (value: string) => variable("CI_COMMIT_REF_PROTECTED", value);
    const cache = (key: string) => ({ cache: [{ key, paths: ["x"] }] });
    expect(isProtected({ variables: [ref("true")] })).toBe(true);
    expect(isProtected({ variables: [ref("true"), ref("false")] })).toBe(true);
    expect(isProtected({ variables: [ref("false"), ref("true")] })).toBe(false);
    expect(isProtected({ git_info: { protected: false }, variables: [ref("true")] })).toBe(false);
    expect(isProtected(cache("gems-protected"))).toBe(true);
    expect(isProtected(cache("gems-non_protected"))).toBe(false);
    expect(isProtected(cache("gems-protected-1"))).toBe(false);
  });

  test("marks temporary volumes for whoever clears up behind a job, unless they are to be kept", () => {
    const isMarked = (volume_keep: boolean) =>
      factsOf({ docker: { disable_cache: true, volumes: ["/cache"], volume_keep } }).volumes.mounts
        .map(({ VolumeOptions }) => "com.gitlab.gitlab-runner.job.key" in VolumeOptions!.Labels!);
    expect(isMarked(false)).toEqual([true, true]);
    expect(isMarked(true)).toEqual([false, false]);
  });

  test("takes volumes as binds or as managed ones, with variables in their paths only", () => {
    const { volumes } = factsOf({
      docker: {
        volumes: ["/cache", "/srv/$V:/data/$V:ro", "named:/n:rw:Z,rslave", "", "/keep/$V/"],
      },
      job: { variables: [variable("V", "x")] },
    });
    expect(volumes.binds).toEqual(["/srv/$V:/data/x:ro", "named:/n:rw,Z,rslave"]);
    expect(volumes.mounts.map(({ Target }) => Target)).toEqual(["/cache", "/keep/x/", "/builds"]);
  });

  test.each([
    ["cache", 'invalid volume specification: "cache"'],
    ["./rel:/x", "invalid volume specification"],
    ["/a:rel", "invalid volume specification"],
    ["C:\\cache", "invalid volume specification"],
    ["C:/a:/b", "invalid volume specification"],
    ["/a:/b:ro:/c", "invalid volume specification"],
    ["/a:/b:foo", "invalid volume specification"],
    ["/a:/b:", "invalid volume specification"],
    ["$V", "invalid volume specification"],
    ["/srv:/data/$V", "invalid volume specification"],
    ["/", '"/" stands for the root directory'],
    ["/srv:/..", "stands for the root directory"],
  ])("refuses the volume %j", (volume, why) => {
    const job = { variables: [variable("V", "x:rw")] };
    expect(() => factsOf({ docker: { volumes: [volume] }, job })).toThrow(why);
  });

  test("refuses two volumes at one place", () => {
    for (const other of ["/cache/", "//cache", "/srv:/cache:ro", "/$V"]) {
      const job = { variables: [variable("V", "cache")] };
      expect(() => factsOf({ docker: { volumes: ["/cache", other] }, job })).toThrow(
        "is already defined",
      );
    }
    expect(factsOf({ docker: { volumes: ["/builds"] } }).volumes.mounts).toHaveLength(1);
  });

  test("puts managed volumes below cache_dir of the host when that is set", () => {
    const { volumes } = factsOf({ docker: { volumes: ["/cache"], cache_dir: "/srv/cache" } });
    expect(volumes.mounts).toEqual([]);
    expect(volumes.binds.map((bind) => bind.replace(/[0-9a-f]{32}(?=:)/, "MD5"))).toEqual([
      "/srv/cache/runner-e73333cf7f93cbe69baef66847054359/MD5:/cache",
      "/srv/cache/runner-e73333cf7f93cbe69baef66847054359/MD5:/builds",
    ]);
  });

  test("refuses a cache_dir that is no absolute path", () => {
    expect(() => factsOf({ docker: { volumes: ["/cache"], cache_dir: "srv/cache" } })).toThrow(
      'cache_dir is "srv/cache", which is no absolute path',
    );
  });

  test("shares the builds directory of the host among runners and slots by folders", () => {
    const facts = factsOf({ docker: { volumes: ["/srv/builds:/builds"] }, slot: 2 });
    expect(facts.environment.sharedBuildsDir).toBe(true);
    expect(facts.paths.projectDir).toBe("/builds/abcdefghi/2/group/app");
    expect(factsOf({}).paths.projectDir).toBe("/builds/group/app");
  });

  test("refuses a job without image and a user who is not allowed", () => {
    expect(() => factsOf({ docker: { image: "" } })).toThrow(
      "no Docker image specified to run the build in",
    );
    const asUser = (allowed: readonly string[], more = {}) =>
      factsOf({
        docker: { allowed_users: allowed, ...more },
        job: { image: { name: "x", executor_opts: { docker: { user: "root" } } } },
      }).user;
    expect(asUser([])).toBe("root");
    expect(asUser(["root"])).toBe("root");
    expect(() => asUser(["nobody", "www"])).toThrow(
      'user "root" is not an allowed user: [nobody www]',
    );
    expect(asUser(["nobody"], { user: "nobody" })).toBe("nobody");
    expect(() => asUser(["root"], { user: "nobody" })).toThrow('user "nobody" is not an allowed');
  });

  test("names a job's things as hosts may be named", () => {
    const { name } = factsOf({ runner: { token: "glrt-t1_AB_cd-Fg9xyz" } });
    expect(name).toMatch(/^runner-abcd-fg9-project-7-concurrent-0-[0-9a-f]{16}$/);
  });

  test("labels what GitLab Runner labels", () => {
    expect(factsOf({ docker: { container_labels: { mine: "p-$CI_PIPELINE_ID" } } }).labels)
      .toMatchObject({
        "com.gitlab.gitlab-runner.managed": "true",
        "com.gitlab.gitlab-runner.job.id": "5",
        "com.gitlab.gitlab-runner.project.id": "7",
        "com.gitlab.gitlab-runner.runner.system_id": "s_1",
        "com.gitlab.gitlab-runner.runner.id": "abcdefghi",
        mine: "p-",
      });
  });

  test("names a network of its own only where asked to, and none is configured", () => {
    const job = { variables: [variable("FF_NETWORK_PER_BUILD", "true")] };
    expect(factsOf({ job }).network).toBe("runner-abcdefghi-7-0-5");
    expect(factsOf({}).network).toBeUndefined();
    const runner = { environment: ["FF_NETWORK_PER_BUILD=1"] };
    expect(factsOf({ runner }).network).toBe("runner-abcdefghi-7-0-5");
    const off = { variables: [variable("FF_NETWORK_PER_BUILD", "false")] };
    expect(factsOf({ runner, job: off }).network).toBeUndefined();
    expect(factsOf({ job, docker: { network_mode: "host" } }).network).toBeUndefined();
  });
});

describe("planServices", () => {
  const plan = (given: Given, warnings: string[] = []) =>
    planServices(factsOf(given), (text) => warnings.push(text));

  test("derives the documented aliases and names the container after the image", () => {
    const [service] = plan({
      job: { services: [{ name: "registry.example.com:5000/group/db:1", alias: "one, two" }] },
    });
    expect(service?.aliases).toEqual([
      "registry.example.com__group__db",
      "registry.example.com-group-db",
      "one",
      "two",
    ]);
    expect(service?.name).toEndWith("-registry.example.com__group__db-0");
  });

  test("takes the configuration's services first, and a name that is taken only once", () => {
    const warnings: string[] = [];
    const services = plan({
      docker: { services: [{ name: "redis", alias: "db" }] },
      job: { services: [{ name: "postgres", alias: "db" }] },
    }, warnings);
    expect(services.map(({ image, aliases }) => [image, aliases])).toEqual([
      ["redis", ["redis", "db"]],
      ["postgres", ["postgres"]],
    ]);
    expect(warnings).toEqual([
      'Skipping alias "db" for service "postgres" (services[1]): alias is already in use by another service.',
    ]);
  });

  test("does not start a service that nobody could reach", () => {
    const names = plan({
      job: { services: [{ name: "postgres:12" }, { name: "postgres:13" }, { name: "redis" }] },
    }).map(({ name }) => name.replace(/^.*[0-9a-f]{16}-/, ""));
    expect(names).toEqual(["postgres-0", "redis-2"]);
  });

  test("gives a service what everybody may see of the job's variables, and its own on top", () => {
    const open = { public: true, raw: false };
    const [service] = plan({
      job: {
        variables: [
          { ...variable("A", "job"), ...open },
          { ...variable("B", "job"), ...open },
          { ...variable("C", "of-$SECRET-$B"), ...open },
          { ...variable("SECRET", "s3cr3t"), public: false },
        ],
        services: [{
          name: "x",
          variables: [
            { ...variable("B", "own-$A"), ...open },
            { ...variable("D", "$C and $SECRET"), ...open },
            variable("discovery.type", "single-node"),
          ],
        }],
      },
    });
    const env = service?.env ?? [];
    for (
      const entry of [
        "A=job",
        "B=own-job",
        "C=of-s3cr3t-job",
        "D=of-s3cr3t-job and s3cr3t",
        "discovery.type=single-node",
      ]
    ) expect(env).toContain(entry);
    expect(env.filter((entry) => /^(?:SECRET|CI_JOB_TOKEN)=/.test(entry))).toEqual([]);
    expect(env.filter((entry) => entry.startsWith("B="))).toHaveLength(1);
  });

  test("takes a service's command as it stands: its container knows variables of its own", () => {
    const words = ["sh", "-c", "exec server --name $HOSTNAME"];
    const [service] = plan({
      job: { services: [{ name: "x", entrypoint: words, command: words }] },
    });
    expect(service).toMatchObject({ entrypoint: words, command: words });
  });

  test("keeps to services_limit", () => {
    const job = { services: [{ name: "x" }] };
    expect(plan({ job, docker: { services_limit: 1 } })).toHaveLength(1);
    expect(() => plan({ job, docker: { services_limit: 0 } })).toThrow(
      "too many services requested: 1, only 0 allowed",
    );
  });
});
