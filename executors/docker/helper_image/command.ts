/** `helper-image`: makes the image that fetches sources and moves artifacts, and carries it along. */

import type { Command, CommandContext } from "../../../core/cli/command.ts";
import type { Flag, FlagValues } from "../../../core/cli/flag.ts";
import { interruptSignal } from "../../../core/cli/interrupt.ts";
import { ConfigurationError } from "../../../core/errors.ts";
import { inheritedEnvironment } from "../../../core/util/inherited_environment.ts";
import { connectEngine, type Engine } from "../engine/mod.ts";
import { DEFAULT_FLAVOR, ownHelperImage } from "../helper/mod.ts";
import { buildHelperImage } from "./build_image.ts";
import { loadImage, saveImage } from "./image_file.ts";
import { megabytes, Progress } from "./progress.ts";

const ENGINE = "Docker Engine";

const FLAGS: readonly Flag[] = [
  {
    names: ["base"],
    kind: "string",
    help: "build: the image to start from, Debian-, Alpine- or Fedora-like; pulled if not there",
  },
  {
    names: ["as-is"],
    kind: "bool",
    help: "build: install no packages; the base has git (for sites without a network)",
  },
  {
    names: ["platform"],
    kind: "string",
    help: "build: the base's platform, such as linux/arm64",
    default: "the engine's",
  },
  {
    names: ["executable"],
    kind: "string",
    help: "build: the executable to put in",
    default: "this one, or runner-linux-<arch> beside it for another processor",
  },
  {
    names: ["file"],
    short: "f",
    kind: "string",
    help: "save, load: the tar file",
  },
  {
    names: ["name"],
    kind: "string",
    help: "Name of the image",
    default: "the one that jobs look for",
  },
  {
    names: ["helper-image-flavor"],
    kind: "string",
    help: "Part of the default name, as helper_image_flavor in [runners.docker]",
    default: DEFAULT_FLAVOR,
  },
  {
    names: ["docker-host"],
    kind: "string",
    env: "DOCKER_HOST",
    help: "Where the engine is",
    group: ENGINE,
  },
  {
    names: ["docker-cert-path"],
    kind: "string",
    env: "DOCKER_CERT_PATH",
    help: "Folder with ca.pem, cert.pem, key.pem",
    group: ENGINE,
  },
  {
    names: ["docker-tlsverify"],
    kind: "bool",
    env: "DOCKER_TLS_VERIFY",
    help: "TLS with verification",
    group: ENGINE,
  },
];

interface Action {
  readonly engine: Engine;
  readonly flags: FlagValues;
  readonly progress: Progress;
  readonly context: CommandContext;
  readonly signal: AbortSignal;
}

const ACTIONS: Readonly<Record<string, (action: Action) => Promise<void>>> = {
  build,
  save,
  load,
};

export const helperImageCommand: Command = {
  description:
    "A job's sources, cache and artifacts are moved in a container of the helper image. Jobs use, " +
    "in this order: helper_image of [runners.docker]; the image that this command makes, when the " +
    "engine has it; the job's own image, when it has git.\n\n" +
    "build starts a container of the base, installs git, git-lfs and certificates where they are " +
    "missing, copies this executable in, and keeps the result under the name that jobs look for. " +
    "save writes an image to a tar file, and load brings it to an engine that reaches no registry.\n\n" +
    "Any helper image that has git will do: one without this executable, or with that of another " +
    "version, gets it through a read-only volume. Images without the GNU C library (Alpine) are " +
    "lent that of this host.",
  quiet: true,
  flags: FLAGS,
  operands: ["build|save|load"],
  examples: [
    ["helper-image build --base debian:12-slim", "Make the helper image for this host's engine"],
    ["helper-image save --file helper.tar", "Write it to a file"],
    [
      "helper-image load --file helper.tar --docker-host ssh://root@build-host",
      "Bring it to the engine of another host",
    ],
    [
      "helper-image build --base alpine:3 --platform linux/arm64 --executable runner-linux-arm64",
      "Make one for another processor; its executable must be at hand",
    ],
  ],
  async run(flags, context, [word = ""]) {
    const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word] : undefined;
    if (action === undefined) {
      throw new ConfigurationError(`Unknown action "${word}": use build, save or load`);
    }
    const { program } = context;
    using interrupt = interruptSignal(program);
    using progress = new Progress(program.stdout);
    await using engine = connectEngine({
      host: flags.text("docker-host"),
      tlsCertPath: flags.text("docker-cert-path"),
      tlsVerify: flags.bool("docker-tlsverify"),
      env: program.env,
    });
    await action({ engine, flags, progress, context, signal: interrupt.signal });
    return 0;
  },
};

async function build({ engine, flags, progress, context, signal }: Action): Promise<void> {
  const { program: { env, home } } = context;
  const name = await buildHelperImage({
    engine,
    base: required(flags, "base", "the image to start from"),
    platform: flags.text("platform"),
    name: (architecture) => nameFor(flags, architecture),
    asIs: flags.bool("as-is"),
    ownExecutable: process.execPath,
    executable: flags.text("executable"),
    credentials: {
      config: env["DOCKER_AUTH_CONFIG"] ?? "",
      home,
      helperEnv: inheritedEnvironment(env),
    },
    proxies: Object.entries(env).flatMap(([key, value]) =>
      /^(?:https?|no|all)_proxy$/i.test(key) ? [`${key}=${value}`] : []
    ),
    progress,
    signal,
  });
  progress.line(`Made ${name}`);
}

async function save({ engine, flags, progress, signal }: Action): Promise<void> {
  const path = required(flags, "file", "the file to write");
  const name = await engineName(engine, flags, signal);
  const size = await saveImage({ engine, name, path, progress, signal });
  progress.line(`Saved ${name} to ${path} (${megabytes(size)})`);
}

async function load({ engine, flags, progress, signal }: Action): Promise<void> {
  const path = required(flags, "file", "the file to read");
  const name = await engineName(engine, flags, signal);
  const id = await loadImage({ engine, name, path, progress, signal });
  progress.line(`Loaded ${name} (${id})`);
}

/** The name by which jobs on this engine look for it. */
async function engineName(engine: Engine, flags: FlagValues, signal: AbortSignal): Promise<string> {
  const { architecture } = await engine.info({ signal });
  return nameFor(flags, architecture);
}

function nameFor(flags: FlagValues, architecture: string): string {
  const flavor = flags.text("helper-image-flavor") ?? DEFAULT_FLAVOR;
  return flags.text("name") ?? ownHelperImage({ architecture, flavor });
}

function required(flags: FlagValues, name: string, what: string): string {
  const text = flags.text(name);
  if (text) return text;
  throw new ConfigurationError(`--${name} is missing: ${what}`);
}
