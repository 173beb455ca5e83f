// `npm run deploy`: says what is missing, applies the migrations, deploys, and checks that the deployed service
// answers as it should.
import { commandLine, CommandError, runCommand, wrongUsage } from "./command.ts";
import { type Environment, ENVIRONMENTS, preflight, type Target, wrangler } from "./preflight.ts";
import { smoke, tell } from "./smoke.ts";

const USAGE = `Usage: npm run deploy -- [options]

  --env NAME       production (default) or staging
  --dry-run        says what is missing and builds, but changes nothing
  --config FILE    another wrangler.toml than the project's
  --wait SECONDS   how long the new version may take to answer (120)
  --help           this text`;

interface Options extends Target {
  dryRun: boolean;
  wait: number;
}

function options(): Options {
  const { values } = commandLine(USAGE, {
    options: {
      env: { type: "string", default: "production" },
      "dry-run": { type: "boolean", default: false },
      config: { type: "string" },
      wait: { type: "string", default: "120" },
    },
  });
  const environment = values.env as Environment;
  if (!ENVIRONMENTS.includes(environment))
    wrongUsage(USAGE, `--env ${environment}: there are ${ENVIRONMENTS.join(" and ")}.`);
  const wait = Number(values.wait);
  if (!(wait >= 0)) wrongUsage(USAGE, `--wait ${values.wait} is not a number of seconds.`);
  return {
    environment,
    config: values.config ?? "wrangler.toml",
    flags: ["--env", environment, ...(values.config === undefined ? [] : ["--config", values.config])],
    dryRun: values["dry-run"],
    wait,
  };
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** @throws CommandError if wrangler fails; it has printed the reason */
async function step(title: string, args: string[]): Promise<string> {
  say(`\n${title}`);
  const { code, output } = await wrangler(args, true);
  if (code !== 0) throw new CommandError(`\nwrangler ${args.slice(0, 3).join(" ")} failed; see above.`);
  return output;
}

/** @throws CommandError if something is missing */
async function prepare(target: Options): Promise<string> {
  say(`Looking at ${target.environment} …`);
  const { issuer, account, faults, notes, pending } = await preflight(target);
  say(`\n  Address    ${issuer}`);
  if (account !== null) say(`  Account    ${account}`);
  if (pending !== null)
    say(`  Migrations ${pending.length === 0 ? "none to apply" : `to apply: ${pending.join(", ")}`}`);
  for (const note of notes) say(`  Note       ${note}`);
  if (faults.length === 0) return issuer;
  say(`\nMissing:\n`);
  for (const [index, { what, mend }] of faults.entries())
    say(`${index + 1}. ${what}\n${mend.map((line) => `     ${line}`).join("\n")}`);
  throw new CommandError(
    "\nNothing was changed. Mend this and run the command again; docs/deploy.md says more.",
  );
}

async function deploy(target: Options): Promise<void> {
  const { flags, dryRun, wait } = target;
  const issuer = await prepare(target);
  if (dryRun) {
    await step("Building …", ["deploy", "--dry-run", ...flags]);
    say("\nA dry run: nothing was changed.");
    return;
  }
  // First the database: the running version also works with the migrated schema, the new version needs it.
  await step("Applying the migrations …", ["d1", "migrations", "apply", "DB", "--remote", ...flags]);
  const said = await step("Deploying …", ["deploy", ...flags]);
  const version = /Current Version ID:\s*(\S+)/.exec(said)?.[1];
  if (version === undefined) throw new CommandError("wrangler names no version that it deployed.");
  say(`\nLooking at ${issuer} …`);
  if (!tell(await smoke(issuer, version, wait * 1_000)))
    throw new CommandError(
      `\nIt is deployed, and does not answer as it should. Back to the version before:\n\n     npx wrangler rollback ${flags.join(" ")}`,
    );
  say(`\nDeployed: ${issuer}`);
}

await runCommand(() => deploy(options()));
