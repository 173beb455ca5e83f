// offline-activate, offline-deactivate: the files that a courier carries
import type { Command } from "commander";
import { cleaned } from "../../field/pasted.ts";
import { define, handle, path, withDryRun } from "../command.ts";
import { openOutput, saveOrPrint } from "../files.ts";
import { given, positive, readInput, readJson } from "../inputs.ts";
import { note, print, text, untilEnd } from "../output.ts";
import type { LicenseFile } from "../shapes.ts";

const ID = "lic_01KAS3S9XQ4ZJ7T8M2N5V6W7X8";

interface Activation {
  output: string;
  leaseDays?: number;
  replace?: boolean;
}

export function addOfflineCommands(program: Command): void {
  withDryRun(
    define(
      program,
      "offline-activate <license> <request-file>",
      "Make the .caio-license file for an installation without a network",
      [
        `offline-activate ${ID} request.json --output berlin.caio-license`,
        `offline-activate ${ID} request.json --lease-days 90 --output berlin.caio-license`,
        `offline-activate ${ID} request.json --replace --output berlin.caio-license`,
      ],
    ),
  )
    .requiredOption("-o, --output <file>", "write it to a file that only you can read, or - for stdout")
    .option("--lease-days <days>", "how long the file is valid (default: to the license's end)", positive)
    .option("--replace", "let it replace an installation that is gone and had another key")
    .action(
      handle<Activation>(async (call, license, requestFile) => {
        const { output, leaseDays, replace, dryRun } = call.options;
        const body = given({ request: await readJson(requestFile), lease_days: leaseDays, replace });
        const request = {
          method: "POST" as const,
          path: path("licenses", license, "offline-activations"),
          body,
        };
        if (dryRun) return call.change(request, () => {});
        // Before the call: the installation's receipt must contain the newest certificate made for it.
        const place = output === "-" ? null : openOutput(output);
        const answer = await call.client().send(request);
        if (place === null) return print(answer);
        await saveOrPrint(answer, place);
        call.show(answer, ({ instance_id, lease_expires_at, warnings }: LicenseFile) => {
          note(`${text(instance_id)} may run ${untilEnd(lease_expires_at)}: ${output}`);
          for (const { code, detail } of warnings) note(`warning: ${text(detail)} (${code})`);
        });
      }),
    );

  withDryRun(
    define(
      program,
      "offline-deactivate <license> <receipt-file>",
      "Free a seat with the receipt that its installation signed",
      [`offline-deactivate ${ID} receipt.jwt`],
    ),
  ).action(
    handle(async (call, license, receiptFile) => {
      const body = { receipt: cleaned(await readInput(receiptFile)) };
      const to = path("licenses", license, "offline-deactivations");
      await call.end({ method: "POST", path: to, body }, "The installation no longer holds a seat.");
    }),
  );
}
