// login, logout, whoami
import type { Command } from "commander";
import { Client } from "../client.ts";
import { define, handle, path, withJson } from "../command.ts";
import { EXIT, Failure, usage } from "../failures.ts";
import { readStdin } from "../inputs.ts";
import { note, printDetails, text } from "../output.ts";
import {
  configFile,
  connection,
  profileName,
  readProfiles,
  serviceUrl,
  tokenFromEnvironment,
  urlFromEnvironment,
  usableToken,
  writeProfiles,
} from "../profiles.ts";
import { readPublished } from "../verification/published.ts";
import type { Me } from "../shapes.ts";

const isInteractive = (): boolean => process.stdin.isTTY && process.stderr.isTTY;

async function askUrl(): Promise<string> {
  if (!isInteractive())
    throw usage("No service was given.", "remedy: --url https://licensing.example or CAIO_LICENSE_URL.");
  const { default: input } = await import("@inquirer/input");
  return serviceUrl(
    await input({ message: "URL of the service", required: true }, { output: process.stderr }),
  );
}

async function askToken(): Promise<string> {
  if (!isInteractive()) throw usage("No token was given.", "remedy: --token-stdin or CAIO_LICENSE_TOKEN.");
  const { default: password } = await import("@inquirer/password");
  return usableToken(await password({ message: "API token", mask: false }, { output: process.stderr }));
}

async function login({ options }: { options: { url?: string; tokenStdin?: boolean; profile?: string } }) {
  const name = profileName(options.profile);
  const url =
    options.url === undefined ? (urlFromEnvironment() ?? (await askUrl())) : serviceUrl(options.url);
  const token = options.tokenStdin
    ? usableToken(await readStdin())
    : (tokenFromEnvironment() ?? (await askToken()));
  const client = new Client({ url, token });
  const me = JSON.parse(await client.send({ path: path("me") })) as Me;
  const { issuer, jwks } = await readPublished(url);
  writeProfiles({ ...readProfiles(), [name]: { url, token, issuer, jwks } });
  note(`Signed in to ${url} as ${text(me.actor.id)} (${me.role}), profile ${name}.`);
}

export function addSessionCommands(program: Command): void {
  define(
    program,
    "login",
    "Sign in: check URL and token with the service, and keep them in a profile. Asks for the token without showing it.",
    [
      "login --url https://licensing.example",
      "login --url https://licensing.example --profile staging",
      "login --url https://licensing.example --token-stdin < token.txt",
    ],
  )
    .option("--url <url>", "the service (default: CAIO_LICENSE_URL, or you are asked)")
    .option("--token-stdin", "read the token from stdin (default: CAIO_LICENSE_TOKEN, or you are asked)")
    .action(handle(login));

  define(program, "logout", "Forget a profile. The token stays valid: see tokens revoke.", [
    "logout",
    "logout --profile staging",
  ]).action(
    handle(async ({ options }) => {
      const name = profileName(options.profile);
      const { [name]: known, ...others } = readProfiles();
      if (!known) throw new Failure(EXIT.forbidden, `Not signed in (profile ${name}).`);
      writeProfiles(others);
      note(`Signed out of ${known.url}, profile ${name}.`);
    }),
  );

  withJson(
    define(program, "whoami", "Show who is signed in to which service, and with which role", [
      "whoami",
      "whoami --json",
    ]),
  ).action(
    handle(async (call) => {
      const { url } = connection(call.options.profile);
      await call.read(path("me"), ({ actor, role }: Me) =>
        printDetails([
          ["service", url],
          ["actor", text(actor.id)],
          ["role", role],
          ["profile", `${profileName(call.options.profile)} (${configFile()})`],
        ]),
      );
    }),
  );
}
