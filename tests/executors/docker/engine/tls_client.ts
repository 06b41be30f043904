/** Runs inside the network of a TLS engine: makes its calls and prints what came of them as JSON. */

import { messageOf } from "../../../../core/errors.ts";
import { connectEngine } from "../../../../executors/docker/engine/mod.ts";
import { gather, idleContainer } from "./fixture.ts";

const [image = "", trusted = "", stranger = "", mistrusting = ""] = process.argv.slice(2);
const host = "tcp://127.0.0.1:2376";
const its = { signal: AbortSignal.timeout(20_000) };

const env = { DOCKER_HOST: host, DOCKER_CERT_PATH: trusted, DOCKER_TLS_VERIFY: "1" };
await using engine = connectEngine({ env });
await using idle = await idleContainer(engine, image);
const output = gather();
const input = new Uint8Array(3_000_000);
const argv = ["sh", "-c", "wc -c; sleep 0.2; echo after"];
const end = await engine.exec(idle.id, { argv, input }, { ...its, output });

async function refusal(options: { tlsCertPath?: string; tlsVerify?: boolean }) {
  await using other = connectEngine({ host, env: {}, ...options });
  return await other.info(its).then(() => "no error", (error) => error.kind ?? messageOf(error));
}

const { log } = console;
log(JSON.stringify({
  exitCode: end.exitCode,
  stdout: output.text.stdout,
  unchecked: await refusal({ tlsCertPath: trusted }),
  strangeAuthority: await refusal({ tlsCertPath: mistrusting, tlsVerify: true }),
  strangeUnchecked: await refusal({ tlsCertPath: mistrusting }),
  strangeClient: await refusal({ tlsCertPath: stranger }),
  withoutCertificate: await refusal({ tlsVerify: true }),
  plain: await refusal({}),
}));
