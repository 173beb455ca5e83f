// Every page and form of the console.
import { apiTokenFormDoors } from "./api-token-forms.tsx";
import { apiTokenDoors } from "./api-tokens.tsx";
import { bulk } from "./bulk.tsx";
import { editLicense } from "./edit-license.tsx";
import { exportDoors } from "./exports.tsx";
import { importDoors } from "./imports.tsx";
import { licenseActions } from "./license-actions.tsx";
import { licenseKeyDoors } from "./license-key.tsx";
import { licensePage } from "./license.tsx";
import { licenseTypeFormDoors } from "./license-type-forms.tsx";
import { licenseTypeDoors } from "./license-types.tsx";
import { licenseDoors } from "./licenses.tsx";
import type { Door } from "./mount.tsx";
import { newLicense } from "./new-license.tsx";
import { overview } from "./overview.tsx";
import { peopleDoors } from "./people.tsx";
import { personFormDoors } from "./person-forms.tsx";
import { mailDoors } from "./settings-mail.tsx";
import { settingsDoors } from "./settings.tsx";

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
  ...importDoors,
  ...exportDoors,
  ...settingsDoors,
  ...licenseTypeDoors,
  ...licenseTypeFormDoors,
  ...apiTokenDoors,
  ...apiTokenFormDoors,
  ...peopleDoors,
  ...personFormDoors,
  ...mailDoors,
];
