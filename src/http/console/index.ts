// Every page and form of the console.
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
import { overview } from "./overview.tsx";

const customerDoors: Door[] = [customerList, newCustomer, customerPage, editCustomer, removeCustomer];
const instanceDoors: Door[] = [instanceList, instancePage, freeSeat];
const messageDoors: Door[] = [messageList, messagePage, messageBody, retry];
const airGapDoors: Door[] = [airGap, receipt, licenseFile, downloadLicenseFile];

export const doors: Door[] = [
  overview,
  ...customerDoors,
  ...instanceDoors,
  ...messageDoors,
  activity,
  ...airGapDoors,
];
