// The frame of every page about one license: it names the customer and the license.
import type { Child } from "hono/jsx";
import { displayNameOf } from "../../../licensing/customers/display-name.ts";
import type { getLicenseAndCustomer } from "../../../licensing/licenses/licenses.ts";
import { Heading } from "../../ui/heading.tsx";
import type { View } from "../mount.tsx";

type Held = Awaited<ReturnType<typeof getLicenseAndCustomer>>;

/** `title` says what the page does with the license. */
export function licenseView(
  { license, customer }: Held,
  { title: what, lead, done, actions }: { title: string; lead: Child; done?: Child; actions?: Child },
  body: Child,
): View {
  const title = `${what}: ${displayNameOf(customer)}, ${license.license_type}`;
  return {
    title,
    section: "licenses",
    body: (
      <>
        <Heading
          title={title}
          lead={
            <>
              <code>{license.id}</code> · {lead}
            </>
          }
          trail={[
            ["/admin/licenses", "Licenses"],
            [`/admin/licenses/${license.id}`, displayNameOf(customer)],
          ]}
          done={done}
          actions={actions}
        />
        {body}
      </>
    ),
  };
}
