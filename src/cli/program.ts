// The tree of commands.
import { Command } from "commander";
import { group } from "./command.ts";
import { addAccessCommands } from "./commands/access.ts";
import { addAttentionCommands } from "./commands/attention.ts";
import { addAuditCommands } from "./commands/trail/audit.ts";
import { addBackupCommands } from "./commands/backups.ts";
import { addContactCommands } from "./commands/customers/contacts.ts";
import { addRequestCommands } from "./commands/customers/requests.ts";
import { addCustomerCommands } from "./commands/customers/customers.ts";
import { addDrillCommand } from "./commands/drill.ts";
import { addEntitlementCommands } from "./commands/entitlements.ts";
import { addEventCommands } from "./commands/trail/events.ts";
import { addInstanceCommands } from "./commands/instances.ts";
import { addLicenseActions } from "./commands/licenses/license-actions.ts";
import { addLicenseLists } from "./commands/licenses/license-lists.ts";
import { addLicenseCommands } from "./commands/licenses/licenses.ts";
import { addMessageCommands } from "./commands/messages.ts";
import { addOfflineCommands } from "./commands/offline.ts";
import { addOverviewCommands } from "./commands/overview.ts";
import { addPendingChangeCommands } from "./commands/licenses/pending-changes.ts";
import { addSearchCommand } from "./commands/search.ts";
import { addSessionCommands } from "./commands/session.ts";
import { addTransferCommands } from "./commands/transfer.ts";
import { addTypeCommands } from "./commands/types.ts";
import { addUsageCommands } from "./commands/usage.ts";
import { addVerifyCommand } from "./commands/verify.ts";
import { addWebhookEndpointCommands } from "./commands/webhook-endpoints.ts";
import { addCompletionCommands } from "./completion.ts";
import { EXIT_CODES, redact, safe } from "./failures.ts";
import { version } from "./version.ts";

const AFTER = `
Environment:
  CAIO_LICENSE_URL, CAIO_LICENSE_TOKEN   instead of a profile's
  CAIO_LICENSE_PROFILE                   the profile if --profile is not given
  XDG_CONFIG_HOME                        profiles are in its caio-license/config.json (~/.config)
  NO_COLOR                               no colors

${EXIT_CODES}

Examples:
  $ caio-license login --url https://licensing.example
  $ caio-license licenses create --customer acme --type standard --days 365
  $ caio-license expiring --days 14`;

export function createProgram(): Command {
  const program = new Command("caio-license")
    .description("Issue, track, and manage CAIO licenses from the command line.")
    .version(version())
    .option("--profile <name>", "the profile to use")
    .configureHelp({ showGlobalOptions: true })
    // The command line may contain a token in the wrong place.
    .configureOutput({ writeErr: (text) => process.stderr.write(redact(safe(text))) })
    .exitOverride()
    .addHelpText("after", AFTER);

  addSessionCommands(program);
  addCustomerCommands(program);
  addContactCommands(program);
  addRequestCommands(program);
  const licenses = group(program, "licenses", "Licenses and what happens to them", "licenses list");
  addLicenseLists(licenses);
  addLicenseCommands(licenses);
  addLicenseActions(licenses);
  addPendingChangeCommands(program);
  addOverviewCommands(program);
  addAttentionCommands(program);
  addSearchCommand(program);
  addEventCommands(program);
  addInstanceCommands(program);
  addUsageCommands(program);
  addAuditCommands(program);
  addTransferCommands(program);
  addBackupCommands(program);
  addOfflineCommands(program);
  addMessageCommands(program);
  addAccessCommands(program);
  addWebhookEndpointCommands(program);
  addTypeCommands(program);
  addEntitlementCommands(program);
  addVerifyCommand(program);
  addDrillCommand(program);
  addCompletionCommands(program);
  return program;
}
