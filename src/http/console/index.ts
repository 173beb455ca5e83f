// Every page and form of the console.
import { bulk } from "./bulk.tsx";
import { editLicense } from "./edit-license.tsx";
import { licenseActions } from "./license-actions.tsx";
import { licenseKeyDoors } from "./license-key.tsx";
import { licensePage } from "./license.tsx";
import { licenseDoors } from "./licenses.tsx";
import type { Door } from "./mount.tsx";
import { newLicense } from "./new-license.tsx";
import { overview } from "./overview.tsx";

// In the order in which paths are tried: what is named comes before what has an id.
export const doors: Door[] = [
  overview,
  ...licenseDoors,
  newLicense,
  bulk,
  licensePage,
  ...licenseKeyDoors,
  editLicense,
  ...licenseActions,
];
