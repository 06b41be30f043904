/** What jobs in containers keep for the next one, who owns it, and what is none of theirs. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { JobDescriptionInput } from "../../core/embedded/mod.ts";
import { makeImage } from "../executors/docker/dockerd.ts";
import { DockerLab, missingForDocker } from "./docker_lab.ts";
import { eventually, expectFailure, expectSuccess, type FinishedJob } from "./lab.ts";

const missing = missingForDocker();
const LIMIT = 60_000;
const NO_SOURCES = { GIT_STRATEGY: "none" };

describe.skipIf(missing !== undefined)(
  missing ? `volumes: NOT RUN, ${missing}` : "volumes",
  () => {
    let docker: DockerLab;
    beforeAll(async () => {
      docker = await DockerLab.open({ docker: ['volumes = ["/cache"]'] });
      docker.lab.start();
    }, LIMIT);
    afterAll(async () => await docker?.[Symbol.asyncDispose]());

    /** A job with sources, as a user of the image or of a number. */
    const job = (user: string, more: JobDescriptionInput): Promise<FinishedJob> => {
      const { path, sha } = docker.lab.repositories.app;
      return docker.lab.run({
        repository: { path, sha },
        image: {
          name: docker.image,
          ...(user === "" ? {} : { executor_opts: { docker: { user } } }),
        },
        ...more,
      });
    };

    test("a checkout is fetched into by the next job, whoever its user is", async () => {
      const look = [
        "id -u",
        "git status --porcelain",
        "stat -c '%a %u %n' README.md src src/a.txt",
        "umask 077; mkdir -p own/deep; echo mine > own/deep/file; chmod 500 own/deep",
      ];
      const first = await job("1234:1234", { script: look });
      expectSuccess(first);
      expect(first.plain).toContain("Initialized empty Git repository");
      const second = await job("", { script: look });
      const third = await job("65534:65534", { script: look });
      for (const [at, uid] of [[first, 1234], [second, 0], [third, 65534]] as const) {
        expectSuccess(at);
        expect(at.plain).toContain(`$ id -u\n${uid}\n$ git status --porcelain\n$ stat`);
        expect(at.plain).toContain(
          `\n644 ${uid} README.md\n755 ${uid} src\n644 ${uid} src/a.txt\n`,
        );
        expect(at.plain).not.toContain("dubious ownership");
      }
      for (const at of [second, third]) {
        expect(at.plain).toContain("Fetching changes");
        expect(at.plain).not.toContain("Initialized empty Git repository");
        expect(at.plain).toContain("Removing own/");
      }
    }, LIMIT);

    test("/cache lasts for the jobs of a project, and no other project sees it", async () => {
      const write = { script: "cat /cache/note; echo kept > /cache/note", variables: NO_SOURCES };
      expectFailure(
        await docker.lab.run({ ...write, script: "cat /cache/note" }),
        "script_failure",
        1,
      );
      expectSuccess(await docker.lab.run({ ...write, script: "echo kept > /cache/note" }));
      const next = await docker.lab.run({ ...write, script: "cat /cache/note" });
      expectSuccess(next);
      expect(next.plain).toContain("\nkept\n");
      const other = await docker.lab.run({
        ...write,
        script: ["ls -A /cache /builds", "cat /cache/note"],
        payload: { job_info: { name: "job", stage: "test", project_id: 4711 } },
      });
      expectFailure(other, "script_failure", 1);
      expect(other.plain).not.toContain("kept");
    }, LIMIT);

    test("all users of a job's containers, its services' too, may write in a volume", async () => {
      const busybox = await makeImage("busybox.sh", docker.host);
      const write = (name: string) => `touch /cache/${name} && echo ${name} may write`;
      // Whose volumes are new.
      const payload = { job_info: { name: "job", stage: "test", project_id: 4712 } };
      const run = async () =>
        await docker.lab.run({
          payload,
          image: { name: busybox },
          variables: { ...NO_SOURCES, CI_DEBUG_SERVICES: "true" },
          services: [{
            name: busybox,
            entrypoint: ["sh", "-c"],
            command: [`${write("service")}; exec httpd -f -p 8000`],
            executor_opts: { docker: { user: "nobody" } },
            variables: [{ key: "HEALTHCHECK_TCP_PORT", value: "8000" }],
          }],
          script: [`su nobody -s /bin/sh -c '${write("nobody")}'`, "stat -c '%a %u' /cache"],
        });
      // Whoever owned it before.
      const owned = [await run(), await job("1234:1234", { script: "true", payload }), await run()];
      for (const each of owned) expectSuccess(each);
      for (const each of [owned[0]!, owned[2]!]) {
        expect(each.plain).toContain("service may write\n");
        expect(each.plain).toContain("\nnobody may write\n");
      }
      expect(owned[0]!.plain).toContain("\n777 0\n");
      expect(owned[2]!.plain).toContain("\n777 1234\n");
    }, LIMIT);

    test("cache and artifacts pass through the helper, whoever made the files", async () => {
      const cache = [{ key: "k", paths: ["made/"], policy: "pull-push", when: "on_success" }];
      const artifacts = [{ paths: ["made/"], when: "on_success" }];
      const save = await job("1234:1234", {
        script: "umask 077; mkdir -p made; echo content > made/file",
        cache,
        artifacts,
      });
      expectSuccess(save);
      const restored = await job("65534:65534", { script: "cat made/file; rm made/file", cache });
      expectSuccess(restored);
      expect(restored.plain).toContain("\ncontent\n");
      const downloaded = await job("1234:1234", {
        script: "cat made/file; echo more >> made/file",
        dependencies: [save.job.id],
      });
      expectSuccess(downloaded);
      expect(downloaded.plain).toContain("\ncontent\n");
    }, LIMIT);

    test("what is temporary goes with the job, and only named caches stay", async () => {
      expectSuccess(await job("", { script: "true", variables: { GIT_STRATEGY: "clone" } }));
      expect(await docker.onlyCachesLeft()).toBeGreaterThan(0);
    }, LIMIT);
  },
);

describe.skipIf(missing !== undefined)(
  missing ? `volumes of the host: NOT RUN, ${missing}` : "volumes of the host",
  () => {
    test("binds keep their modes, and cache_dir is a folder of the host", async () => {
      const cacheDir = mkdtempSync(join(tmpdir(), "runner-e2e-cache-"));
      using _ = { [Symbol.dispose]: () => rmSync(cacheDir, { recursive: true }) };
      const shared = `${cacheDir}/shared`;
      mkdirSync(shared);
      writeFileSync(`${shared}/given`, "from the host\n");
      await using docker = await DockerLab.open({
        docker: [
          `volumes = ["/cache", "${shared}:/read:ro", "${shared}:/write"]`,
          `cache_dir = "${cacheDir}"`,
        ],
      });
      docker.lab.start();
      const job = await docker.lab.run({
        script: [
          "cat /read/given",
          "if touch /read/refused; then exit 7; fi",
          "echo from the job > /write/taken",
          "echo cached > /cache/note",
        ],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).toContain("\nfrom the host\n");
      expect(readFileSync(`${shared}/taken`, "utf8")).toBe("from the job\n");
      const [folder = ""] = readdirSync(cacheDir).filter((name) => name !== "shared");
      expect(folder).toMatch(/^runner-[0-9a-f]{32}$/);
      const notes = readdirSync(`${cacheDir}/${folder}`).filter((path) =>
        readdirSync(`${cacheDir}/${folder}/${path}`).includes("note")
      );
      expect(notes).toHaveLength(1);
      expect(await docker.onlyCachesLeft()).toBe(0);
    }, LIMIT);

    test("disable_cache keeps nothing, volume_keep keeps even what is temporary", async () => {
      const noCache = ['volumes = ["/cache"]', "disable_cache = true"];
      await using nothing = await DockerLab.open({ docker: noCache });
      nothing.lab.start();
      expectSuccess(await nothing.lab.run({ script: "true", variables: NO_SOURCES }));
      expect(await nothing.onlyCachesLeft()).toBe(0);
      await using all = await DockerLab.open({ docker: [...noCache, "volume_keep = true"] });
      all.lab.start();
      const kept = await all.lab.run({ script: "true", variables: NO_SOURCES });
      expectSuccess(kept);
      expect(kept.plain).toContain("WARNING: volume_keep is enabled: Docker volumes will not be");
      const noContainers = async () => (await all.objects()).containers.length === 0;
      await eventually(noContainers, "clean-up");
      expect((await all.objects()).volumes).toHaveLength(2);
      // Another process removes what jobs have left before its first job ends.
      await all.lab.process.stop();
      all.lab.start();
      expectSuccess(await all.lab.run({ script: "true", variables: NO_SOURCES }));
      await eventually(noContainers, "clean-up");
      expect((await all.objects()).volumes).toHaveLength(4);
    }, LIMIT);

    test("volume_driver_ops are the driver's: volumes in memory, of their own size", async () => {
      const ops = 'volume_driver_ops = { type = "tmpfs", device = "tmpfs", o = "size=9m" }';
      await using docker = await DockerLab.open({
        docker: ['volumes = ["/cache"]', 'volume_driver = "local"', ops],
      });
      docker.lab.start();
      const { path, sha } = docker.lab.repositories.app;
      const job = await docker.lab.run({
        repository: { path, sha },
        script: ["df /builds /cache", "cat README.md"],
      });
      expectSuccess(job);
      for (const place of ["/builds", "/cache"]) {
        expect(job.plain).toMatch(new RegExp(`\\ntmpfs\\s+9216\\s.*${place}\\n`));
      }
    }, LIMIT);
  },
);
