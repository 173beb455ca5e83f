// Every page and form of the console.
import { apiTokenFormDoors } from "./api-token-forms.tsx";
import { apiTokenDoors } from "./api-tokens.tsx";
import { bulkDoors } from "./bulk.tsx";
import { editLicense } from "./edit-license.tsx";
import { exportDoors } from "./exports.tsx";
import { importDoors } from "./imports.tsx";
import { licenseActions } from "./license-actions.tsx";
import { licenseKeyDoors } from "./license-key.tsx";
import { licensePage } from "./license.tsx";
import { licenseTypeFormDoors } from "./license-type-forms.tsx";
import { licenseTypeDoors } from "./license-types.tsx";
import { licenseDoors } from "./licenses.tsx";
import { activity } from "./activity.tsx";
import { airGap, receipt } from "./air-gap.tsx";
import { editCustomer, newCustomer } from "./customer-forms.tsx";
import { removeCustomer } from "./customer-removal.tsx";
import { customerPage } from "./customer.tsx";
import { customerList } from "./customers.tsx";
import { freeSeat, instancePage } from "./instance.tsx";
import { instanceList } from "./instances.tsx";
import { downloadLicenseFile, licenseFile } from "./license-file.tsx";
import { messageBody, messagePage, retry } from "./message.tsx";
import { messageList } from "./messages.tsx";
import type { Door } from "./mount.tsx";
import { newLicense } from "./new-license.tsx";
import { overview } from "./overview.tsx";
import { peopleDoors } from "./people.tsx";
import { personFormDoors } from "./person-forms.tsx";
import { mailDoors } from "./settings-mail.tsx";
import { settingsDoors } from "./settings.tsx";

const customerDoors: Door[] = [customerList, newCustomer, customerPage, editCustomer, removeCustomer];
const instanceDoors: Door[] = [instanceList, instancePage, freeSeat];
const messageDoors: Door[] = [messageList, messagePage, messageBody, retry];
const airGapDoors: Door[] = [airGap, receipt, licenseFile, downloadLicenseFile];

// In the order in which paths are tried: what is named comes before what has an id.
export const doors: Door[] = [
  overview,
  ...licenseDoors,
  newLicense,
  ...bulkDoors,
  licensePage,
  ...licenseKeyDoors,
  editLicense,
  ...licenseActions,
  ...importDoors,
  ...exportDoors,
  ...customerDoors,
  ...instanceDoors,
  ...messageDoors,
  activity,
  ...airGapDoors,
  ...settingsDoors,
  ...licenseTypeDoors,
  ...licenseTypeFormDoors,
  ...apiTokenDoors,
  ...apiTokenFormDoors,
  ...peopleDoors,
  ...personFormDoors,
  ...mailDoors,
];
