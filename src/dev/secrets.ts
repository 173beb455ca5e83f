// .dev.vars: the secrets of a service on this machine. Made once, never shown, never in git.
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { CommandError } from "./command.ts";
import { generateKeys } from "./keys.ts";

const MAKERS: Record<string, () => string | Promise<string>> = {
  SIGNING_KEYS: generateKeys,
  SESSION_SECRET: () => randomBytes(32).toString("base64url"),
  ADMIN_TOKEN: () => `caio_${randomBytes(24).toString("base64url")}`,
};

interface Secrets {
  secrets: Record<string, string>;
  /** Names of the secrets that were missing. */
  made: string[];
}

/**
 * Makes what is missing in `file` and keeps what is there; only its owner may read it (mode 600).
 * @throws CommandError if it belongs to somebody else, or is not a file
 */
export async function ensureSecrets(file: string): Promise<Secrets> {
  try {
    return await complete(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CommandError(
      `The secrets of this machine cannot be kept in ${file} (${code}). Make it yours (chown, chmod u+rw), or move it away: what is missing is made anew.`,
    );
  }
}

async function complete(file: string): Promise<Secrets> {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const secrets = { ...parseEnv(text) } as Record<string, string>;
  const made: string[] = [];
  let lines = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  for (const [name, make] of Object.entries(MAKERS)) {
    if (secrets[name]) continue;
    secrets[name] = await make();
    lines += `${name}=${secrets[name]}\n`;
    made.push(name);
  }
  if (made.length > 0) writeFileSync(file, lines, { mode: 0o600 });
  // The mode above applies to a new file only.
  chmodSync(file, 0o600);
  return { secrets, made };
}
