import type { Form } from "../../mount.tsx";
import { correctUsageForm } from "./correct-usage.tsx";
import { reinstate } from "./reinstate.tsx";
import { reissue } from "./reissue.tsx";
import { renew } from "./renew.tsx";
import { revoke } from "./revoke.tsx";
import { send } from "./send.tsx";
import { cancelOrder, releaseOrder } from "./orders.tsx";
import { settleForm, unsettleForm } from "./settle.tsx";
import { suspend } from "./suspend.tsx";
import { transfer } from "./transfer.tsx";

export const licenseActions: Form[] = [
  renew,
  suspend,
  revoke,
  reinstate,
  reissue,
  transfer,
  cancelOrder,
  releaseOrder,
  send,
  correctUsageForm,
  settleForm,
  unsettleForm,
];
