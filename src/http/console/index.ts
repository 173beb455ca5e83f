// Every page and form of the console, mounted on an application of its own: it has both /licenses/new and /licenses/:id,
// and with such paths Hono's router would look up every call in its slower way.
import { apiTokenFormDoors } from "./settings/api-token-forms.tsx";
import { apiTokenDoors } from "./settings/api-tokens.tsx";
import { requestList } from "./requests/list.tsx";
import { requestFormDoors, requestPage } from "./requests/request.tsx";
import { signOutCustomer } from "./customers/sign-out.tsx";
import { brand } from "./brand.ts";
import { bulk } from "./licenses/bulk/bulk.tsx";
import { bulkExport } from "./licenses/bulk/export.tsx";
import { editLicense } from "./licenses/edit.tsx";
import { entitlementDoors } from "./settings/entitlements.tsx";
import { exportDoors } from "./exports.tsx";
import { importDoors } from "./imports.tsx";
import { licenseActions } from "./licenses/actions/index.ts";
import { licenseKeyDoors } from "./licenses/key.tsx";
import { licenseUsageDoors } from "./licenses/usage.tsx";
import { statementPage } from "./licenses/statement.tsx";
import { licensePage } from "./licenses/license.tsx";
import { licenseTypeFormDoors } from "./settings/license-type-forms.tsx";
import { licenseTypeDoors } from "./settings/license-types.tsx";
import { licenseDoors } from "./licenses/list.tsx";
import { figureDoors } from "./figures/figures.tsx";
import { activity } from "./activity.tsx";
import { airGap, receipt } from "./air-gap/air-gap.tsx";
import { editCustomer, newCustomer } from "./customers/edit.tsx";
import { removeCustomer } from "./customers/delete.tsx";
import { contactDoors } from "./customers/contacts.tsx";
import { erasureDoors } from "./customers/erase.tsx";
import { customerPage } from "./customers/customer.tsx";
import { customerUsageDoors } from "./customers/usage.tsx";
import { customerSuspensions } from "./customers/suspension.tsx";
import { customerList } from "./customers/list.tsx";
import { clearCloneForm } from "./instances/clear-clone.tsx";
import { freeSeat, instancePage } from "./instances/instance.tsx";
import { instanceList } from "./instances/list.tsx";
import { downloadLicenseFile, licenseFile } from "./air-gap/license-file.tsx";
import { messageBody, messagePage, retry } from "./messages/message.tsx";
import { messageList } from "./messages/list.tsx";
import { replace } from "./messages/replace.tsx";
import { retryMany } from "./messages/retry-many.tsx";
import { type Door, mountConsole } from "./mount.tsx";
import { newLicense } from "./licenses/new.tsx";
import { overview } from "./overview.tsx";
import { peopleDoors } from "./settings/people.tsx";
import { personFormDoors } from "./settings/person-forms.tsx";
import { mailDoors } from "./settings/mail.tsx";
import { mailPreviewDoors } from "./settings/mail-preview.tsx";
import { columnsForm } from "./settings/columns.tsx";
import { viewForm } from "./settings/view.tsx";
import { search } from "./search.tsx";
import { settledList } from "./settled.tsx";
import { sealList } from "./seals/list.tsx";
import { restartForm, sealPage } from "./seals/seal.tsx";
import { settingsDoors } from "./settings/settings.tsx";
import { webhookEndpointFormDoors } from "./settings/webhook-endpoints/forms.tsx";
import { webhookEndpointDoors } from "./settings/webhook-endpoints/list.tsx";
import { mountSignIn } from "./sign-in.tsx";
import { surface } from "../surface.ts";
import { failedPage } from "../ui/refusal.tsx";

const customerDoors: Door[] = [
  customerList,
  newCustomer,
  customerPage,
  ...customerUsageDoors,
  editCustomer,
  ...customerSuspensions,
  removeCustomer,
  signOutCustomer,
  ...contactDoors,
  ...erasureDoors,
];
const instanceDoors: Door[] = [instanceList, instancePage, freeSeat, clearCloneForm];
const messageDoors: Door[] = [messageList, retryMany, messagePage, messageBody, retry, replace];
const airGapDoors: Door[] = [airGap, receipt, licenseFile, downloadLicenseFile];

// Paths are tried in this order: fixed names come before ids.
export const doors: Door[] = [
  overview,
  ...figureDoors,
  brand,
  search,
  settledList,
  ...licenseDoors,
  newLicense,
  bulk,
  bulkExport,
  statementPage,
  ...licenseUsageDoors,
  licensePage,
  ...licenseKeyDoors,
  editLicense,
  ...licenseActions,
  ...importDoors,
  ...exportDoors,
  ...customerDoors,
  ...instanceDoors,
  requestList,
  requestPage,
  ...requestFormDoors,
  ...messageDoors,
  activity,
  sealList,
  restartForm,
  sealPage,
  ...airGapDoors,
  ...settingsDoors,
  ...entitlementDoors,
  ...licenseTypeDoors,
  ...licenseTypeFormDoors,
  ...apiTokenDoors,
  ...apiTokenFormDoors,
  ...peopleDoors,
  ...personFormDoors,
  ...webhookEndpointFormDoors,
  ...webhookEndpointDoors,
  viewForm,
  columnsForm,
  ...mailDoors,
  ...mailPreviewDoors,
];

const pages = surface(
  failedPage(
    "/admin",
    "Its configuration is faulty: the log names the variable, and docs/configuration.md explains it. Installations go on with what they have.",
  ),
);
mountSignIn(pages);
mountConsole(pages, doors);

/** Answers what is under /admin. */
export const answer = pages.fetch;
