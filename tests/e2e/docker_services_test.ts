/** Services of jobs in containers: reached, waited for, told of when they fail. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { deriveImage, startEngine } from "../executors/docker/dockerd.ts";
import { DockerLab, missingForDocker } from "./docker_lab.ts";
import { expectSuccess, output } from "./lab.ts";

const missing = missingForDocker();

/** Answers on a port with one line, for as long as the job runs. */
const ANSWER = "while true; do echo hello from $NAME | nc -l -p 8080; done";
const ASK = "nc -w 3 server 8080 </dev/null";
const NO_SOURCES = { GIT_STRATEGY: "none" };

describe.skipIf(missing !== undefined)(
  missing ? `services: NOT RUN, ${missing}` : "services",
  () => {
    let docker: DockerLab;
    beforeAll(async () => {
      docker = await DockerLab.open({
        requestConcurrency: 8,
        docker: ["wait_for_services_timeout = 10", 'service_memory = "32m"'],
      });
      docker.lab.start();
    }, 60_000);
    afterAll(async () => await docker?.[Symbol.asyncDispose]());

    const service = (more: Record<string, unknown> = {}) => ({
      name: docker.image,
      alias: "server",
      entrypoint: ["sh", "-c"],
      command: [ANSWER],
      ...more,
    });

    test.concurrent("a service is waited for by its exposed port and reached by its alias", async () => {
      await using exposed = await deriveImage(docker.host, docker.image, ["EXPOSE 8080"]);
      const job = await docker.lab.run({
        script: [ASK, "cat /etc/hosts"],
        services: [
          service({
            name: exposed.name,
            command: [`sleep 1; ${ANSWER}`],
            variables: [{ key: "NAME", value: "the service" }],
          }),
        ],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).toContain(
        `Starting service ${exposed.name}...\n`,
      );
      expect(job.plain).toContain(
        "Waiting for services to be up and running (timeout 10 seconds)...\n",
      );
      expect(job.plain).toContain("hello from the service\n");
      expect(job.plain).not.toContain("WARNING");
      // Both names that follow from the image's.
      expect(job.plain).toContain("runner-test__derived");
      expect(job.plain).toContain("runner-test-derived");
    });

    test.concurrent("a service without ports to ask is ready when it listens on any", async () => {
      const job = await docker.lab.run({
        script: ASK,
        services: [service({ command: [`sleep 2; ${ANSWER}`] })],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).not.toContain("WARNING");
      expect(job.plain).toContain("hello from");
    });

    test.concurrent("one that listens for itself alone is told of when its time is over", async () => {
      const job = await docker.lab.run({
        script: "echo the job goes on",
        services: [service({ command: ["echo I am shy; exec httpd -f -p 127.0.0.1:8080"] })],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).toMatch(
        /Health check error:\nservice "runner-\S+-0" has no exposed ports\n\nService container logs:\n\S+Z I am shy\n/,
      );
      expect(job.plain).toContain("the job goes on");
    });

    test.concurrent("a service is ready when its HEALTHCHECK says so", async () => {
      await using healthy = await deriveImage(docker.host, docker.image, [
        "HEALTHCHECK --interval=1s --retries=1 --start-period=30s CMD test -e /tmp/ready",
      ]);
      const job = await docker.lab.run({
        script: "nc -w 3 server 8080 </dev/null",
        services: [
          service({ name: healthy.name, command: [`sleep 2; touch /tmp/ready; ${ANSWER}`] }),
        ],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).not.toContain("WARNING");
      expect(job.plain).toContain("hello from");
    });

    test.concurrent("a service whose HEALTHCHECK fails is told of at once, with its log", async () => {
      await using sick = await deriveImage(docker.host, docker.image, [
        "HEALTHCHECK --interval=1s --retries=2 CMD false",
      ]);
      const job = await docker.lab.run({
        script: "echo the job goes on",
        services: [service({ name: sick.name, command: ["echo I am sick; sleep 1000"] })],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).toMatch(
        /\n\*\*\* WARNING: Service runner-\S+-0 probably didn't start properly\.\n\nHealth check error:\nservice "runner-\S+-0" is unhealthy\n\nService container logs:\n\S+Z I am sick\n\n\*{9}\n\n/,
      );
      expect(job.plain).not.toContain("timeout\n");
      expect(job.plain).toContain("the job goes on");
    });

    test.concurrent("a service that does not answer is told of with its log, and the job goes on", async () => {
      await using silent = await deriveImage(docker.host, docker.image, ["EXPOSE 8080"]);
      const job = await docker.lab.run({
        script: "echo the job goes on",
        services: [service({ name: silent.name, command: ["echo I am deaf; sleep 1000"] })],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).toMatch(
        /\n\*\*\* WARNING: Service runner-\S+-runner-test__derived-0 probably didn't start properly\.\n\nHealth check error:\nservice "runner-\S+-0-wait-for-service" timeout\n\nHealth check container logs:\n(?:.+\n)*dialing [\d.]+:8080\.\.\.\n\nService container logs:\n\S+Z I am deaf\n\n\*{9}\n\n/,
      );
      expect(job.plain).toContain("the job goes on");
    });

    test.concurrent("a service that dies while it is waited for is not waited for any longer", async () => {
      await using exposed = await deriveImage(docker.host, docker.image, ["EXPOSE 8080"]);
      const job = await docker.lab.run({
        script: "echo the job goes on",
        services: [service({ name: exposed.name, command: ["echo no licence; exit 3"] })],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).not.toContain("timeout\n");
      expect(job.plain).toMatch(/service "runner-\S+-0" has ended with exit code 3\n/);
      expect(job.plain).toMatch(/Z no licence\n/);
      expect(job.plain.match(/has ended with/g)).toHaveLength(1);
    });

    test.concurrent("a service that dies during the job is named once, and the job goes on", async () => {
      const job = await docker.lab.run({
        script: ["sleep 1; nc -w 3 server 8080 </dev/null", "sleep 3", "echo the job goes on"],
        services: [service({ command: ["echo bye | nc -l -p 8080; exit 4"] })],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      const told = `WARNING: Service ${docker.image} (runner-test__git, runner-test-git, server) ` +
        "has ended with exit code 4\n";
      expect(job.plain.split(told)).toHaveLength(2);
      expect(job.plain).toContain("the job goes on");
    });

    test.concurrent("a service that runs out of memory is named with the reason", async () => {
      const job = await docker.lab.run({
        script: ["sleep 3", "echo the job goes on"],
        services: [service({ command: ["nc -l -p 8080 & sleep 2; exec tail /dev/zero"] })],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      const told = "(runner-test__git, runner-test-git, server) was killed because it ran out of " +
        "memory\n";
      expect(job.plain.split(told)).toHaveLength(2);
    });

    test.concurrent("CI_DEBUG_SERVICES puts the services' logs into the job's, masked", async () => {
      const job = await docker.lab.run({
        script: ["sleep 2", "echo the job goes on"],
        services: [
          service({ command: ["echo token s3cr3t-value; echo more >&2; exec nc -l -p 8080"] }),
        ],
        variables: {
          ...NO_SOURCES,
          CI_DEBUG_SERVICES: "true",
          TOKEN: { value: "s3cr3t-value", masked: true },
        },
      });
      expectSuccess(job);
      const names = "runner-test__git-runner-test-git-server";
      expect(job.text).toContain(`\x1b[0;90m[service:${names}] `);
      expect(job.plain).toMatch(new RegExp(`\\[service:${names}\\] \\S+Z token \\[MASKED\\]\\n`));
      expect(job.plain).toMatch(new RegExp(`\\[service:${names}\\] \\S+Z more\\n`));
      expect(job.text).not.toContain("s3cr3t");
    });

    test.concurrent("a service has the variables that everybody may see, and those it declares", async () => {
      const job = await docker.lab.run({
        script: "sleep 2",
        services: [service({
          // A shell would leave out names that it does not take.
          entrypoint: ["env"],
          command: [],
          variables: [
            { key: "discovery.type", value: "single-node" },
            { key: "GIVEN", value: "with $SECRET" },
          ],
        })],
        variables: {
          ...NO_SOURCES,
          CI_DEBUG_SERVICES: "true",
          OPEN: "to all",
          SECRET: { value: "of-the-job", public: false },
        },
      });
      expectSuccess(job);
      const printed = job.lines.flatMap((line) =>
        /^\[service:\S+\] \S+Z (.*)$/.exec(line)?.[1] ?? []
      );
      expect(printed).toEqual(expect.arrayContaining([
        "CI_SERVER=yes",
        "GIVEN=with of-the-job",
        "OPEN=to all",
        "discovery.type=single-node",
      ]));
      expect(printed.filter((line) => /^(?:SECRET|CI_JOB_TOKEN|CI_REPOSITORY_URL)=/.test(line)))
        .toEqual([]);
    });

    test.concurrent("no more is told of a log than its beginning", async () => {
      const job = await docker.lab.run({
        script: "echo the job goes on",
        services: [service({
          command: ["yes chatty | head -n 100000; sleep 1000"],
          variables: [{ key: "HEALTHCHECK_TCP_PORT", value: "9" }],
        })],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).toContain("Z chatty\n");
      expect(job.plain).toMatch(/\.\.\.\n\n\*{9}\n/);
      expect(job.plain.length).toBeLessThan(80_000);
    });

    test.concurrent("FF_NETWORK_PER_BUILD: names by the network, which goes with the job", async () => {
      const job = await docker.lab.run({
        script: ["sleep 1", ASK, "echo in $CI_BUILD_NETWORK_NAME"],
        services: [service({ variables: [{ key: "NAME", value: "network" }] })],
        variables: { ...NO_SOURCES, FF_NETWORK_PER_BUILD: "true" },
      });
      expectSuccess(job);
      expect(job.plain).toContain("hello from network\n");
      expect(job.plain).toMatch(/in runner-[a-z0-9]+-1-\d+-\d+\n/);
    });
  },
);

describe.skipIf(missing !== undefined)(
  missing ? `the network of a job: NOT RUN, ${missing}` : "the network of a job",
  () => {
    test("goes with the job, and so does what the job has started in it", async () => {
      await using docker = await DockerLab.open({
        entry: ['environment = ["FF_NETWORK_PER_BUILD=1"]'],
      });
      docker.lab.start();
      const job = docker.lab.enqueue({
        script: [
          "echo network=$CI_BUILD_NETWORK_NAME.",
          "until ping -c 1 -W 1 guest; do sleep 0.2; done",
        ],
        variables: NO_SOURCES,
      });
      await docker.lab.printed(job, "network=runner-");
      const network = /network=(runner-\S+)\./.exec(await job.trace.text())?.[1] ?? "";
      // As a job does that has the engine's socket.
      const guest = ["--name", `guest-${job.id}-${network}`, "--network-alias", "guest"];
      const command = ["docker", "run", "-d", ...guest, "--network", network, docker.image];
      await output([...command, "sleep", "1000"], { env: { DOCKER_HOST: docker.host } });
      const end = await docker.lab.finished(job);
      expectSuccess(end);
      expect(end.plain).toContain("feature flags: FF_NETWORK_PER_BUILD:true");
      expect(await docker.onlyCachesLeft()).toBe(0);
    }, 60_000);
  },
);

describe.skipIf(missing !== undefined)(
  missing ? `services that are not waited for: NOT RUN, ${missing}` : "wait_for_services_timeout",
  () => {
    test("of less than nothing: services are not waited for, and nothing is said", async () => {
      await using docker = await DockerLab.open({ docker: ["wait_for_services_timeout = -1"] });
      docker.lab.start();
      await using exposed = await deriveImage(docker.host, docker.image, ["EXPOSE 8080"]);
      const job = await docker.lab.run({
        script: "echo the job goes on",
        services: [{ name: exposed.name, entrypoint: ["sleep"], command: ["1000"] }],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).toContain(`Starting service ${exposed.name}...\n`);
      expect(job.plain).not.toMatch(/Waiting for services|WARNING/);
    }, 60_000);

    test("of nothing is the default, as in a configuration that does not name it", async () => {
      await using docker = await DockerLab.open({ docker: ["wait_for_services_timeout = 0"] });
      docker.lab.start();
      await using exposed = await deriveImage(docker.host, docker.image, ["EXPOSE 8080"]);
      const job = await docker.lab.run({
        script: ASK,
        services: [{
          name: exposed.name,
          alias: "server",
          entrypoint: ["sh", "-c"],
          command: [`sleep 2; ${ANSWER}`],
        }],
        variables: NO_SOURCES,
      });
      expectSuccess(job);
      expect(job.plain).toContain("(timeout 30 seconds)...\n");
      expect(job.plain).not.toContain("WARNING");
    }, 60_000);
  },
);

describe.skipIf(missing !== undefined)(
  missing ? `an engine with IPv6: NOT RUN, ${missing}` : "an engine with IPv6",
  () => {
    test("enable_ipv6: a service is reached by its address in the job's own network", async () => {
      await using engine = await startEngine({
        args: [
          ...["--default-address-pool", "base=172.30.0.0/16,size=24"],
          ...["--default-address-pool", "base=fd00:172:30::/56,size=64"],
        ],
      });
      await using docker = await DockerLab.open({ engine, docker: ["enable_ipv6 = true"] });
      docker.lab.start();
      const job = await docker.lab.run({
        script: [
          "ip -6 addr show dev eth0",
          "ping6 -c 1 -W 3 server",
          "wget -qO- http://server/file",
        ],
        services: [{
          name: docker.image,
          alias: "server",
          entrypoint: ["sh", "-c"],
          command: ["mkdir /www; echo served > /www/file; exec httpd -f -p 80 -h /www"],
          variables: [{ key: "HEALTHCHECK_TCP_PORT", value: "80" }],
        }],
        variables: { ...NO_SOURCES, FF_NETWORK_PER_BUILD: "true" },
      });
      expectSuccess(job);
      expect(job.plain).toMatch(/inet6 fd00:172:30:\S+ scope global/);
      expect(job.plain).toMatch(/PING server \(fd00:172:30:\S+\)/);
      expect(job.plain).toContain("\nserved\n");
      expect(job.plain).not.toContain("probably didn't start");
      expect(await docker.onlyCachesLeft()).toBe(0);
    }, 60_000);
  },
);
