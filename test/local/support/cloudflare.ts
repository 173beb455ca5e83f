// Replaces `wrangler` for everything that needs a Cloudflare account: the login, the secrets, the upload. The real one
// does what works on this machine: the migrations, on a local D1.
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Account {
  loggedIn: boolean;
  accounts: { id: string; name: string }[];
  /** Null: there is no Worker yet. */
  secrets: string[] | null;
  /** The names of its R2 buckets. */
  buckets: string[];
  /** The version of the next deployment. */
  version: string;
  /** Where the database is. */
  persistTo: string;
  /** A file to which each call is written. */
  calls: string;
}

const REAL = join(import.meta.dirname, "../../../node_modules/wrangler/bin/wrangler.js");

function main(args: string[]): number {
  const account = JSON.parse(readFileSync(process.env["STAND_IN_ACCOUNT"]!, "utf8")) as Account;
  appendFileSync(account.calls, `${args.join(" ")}\n`);
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  switch (args.slice(0, 2).join(" ")) {
    case "whoami --json":
      print(JSON.stringify({ loggedIn: account.loggedIn, accounts: account.accounts }));
      return account.loggedIn ? 0 : 1;
    case "secret list":
      if (account.secrets === null) {
        process.stderr.write('Worker "caio-licensing" (env: production) not found.\n');
        return 1;
      }
      print(JSON.stringify(account.secrets.map((name) => ({ name, type: "secret_text" }))));
      return 0;
    case "d1 migrations": {
      const local = args.map((arg) => (arg === "--remote" ? "--local" : arg));
      const { status } = spawnSync(process.execPath, [REAL, ...local, "--persist-to", account.persistTo], {
        stdio: "inherit",
      });
      return status ?? 1;
    }
    case "r2 bucket":
      if (account.buckets.includes(args[3]!)) return 0;
      process.stderr.write("The specified bucket does not exist.\n");
      return 1;
    case "deploy --dry-run":
      print("--dry-run: exiting now.");
      return 0;
    case "deploy --env":
      print(`Uploaded caio-licensing\nCurrent Version ID: ${account.version}`);
      return 0;
    default:
      process.stderr.write(`The stand-in knows no ${args.join(" ")}.\n`);
      return 1;
  }
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
