// /admin/licenses/{id}/suspend
import { stopping } from "./stopping.tsx";

export const suspend = stopping("suspend", {
  title: "Suspend license",
  lead: "Refuses its activations and check-ins until it is reinstated.",
  placeholder: "Invoice 4711 is not paid.",
  done: "suspended",
});
