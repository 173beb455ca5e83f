// /admin/licenses/{id}/revoke
import { stopping } from "./stopping.tsx";

export const revoke = stopping("revoke", {
  title: "Revoke license",
  lead: "Ends it for good. This cannot be undone.",
  placeholder: "The contract was ended.",
  done: "revoked",
});
