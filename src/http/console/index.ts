// Every page and form of the console.
import { editCustomer, newCustomer, removeCustomer } from "./customer-forms.tsx";
import { customerPage } from "./customer.tsx";
import { customerList } from "./customers.tsx";
import type { Door } from "./mount.tsx";
import { overview } from "./overview.tsx";

export const doors: Door[] = [
  overview,
  customerList,
  newCustomer,
  customerPage,
  editCustomer,
  removeCustomer,
];
