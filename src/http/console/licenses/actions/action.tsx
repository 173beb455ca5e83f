// The actions on one license: each has its own page, which shows the effect before it happens.
import type { Child, FC } from "hono/jsx";
import { Reasoned } from "../../../../licensing/licenses/decisions.ts";
import type { getLicenseAndCustomer } from "../../../../licensing/licenses/licenses.ts";
import { type Entry, parsed } from "../../../ui/entry.ts";
import { PostForm, Submit, TextArea } from "../../../ui/form.tsx";
import { Card } from "../../../ui/show.tsx";
import type { View } from "../../mount.tsx";
import { idOf, type Visit } from "../../visit.ts";
import { licenseView } from "../view.tsx";

export const pathOf = (visit: Visit): string => `/admin/licenses/${idOf(visit)}`;

type Held = Awaited<ReturnType<typeof getLicenseAndCustomer>>;

export const actionView = (
  visit: Visit,
  entry: Entry,
  held: Held,
  words: { action: string; title: string; lead: Child; submit: string; tone?: "danger" },
  children?: Child,
): View =>
  licenseView(
    held,
    words,
    <Card>
      <PostForm visit={visit} entry={entry} action={`${pathOf(visit)}/${words.action}`}>
        {children}
        <Submit tone={words.tone ?? "primary"} back={pathOf(visit)}>
          {words.submit}
        </Submit>
      </PostForm>
    </Card>,
  );

export const Reason: FC<{ entry: Entry; placeholder: string; optional?: true }> = ({
  entry,
  placeholder,
  optional,
}) => (
  <TextArea
    entry={entry}
    name="reason"
    label="Reason"
    hint={optional ? "Optional. Kept in the record." : "Kept in the record."}
    placeholder={placeholder}
    required={!optional}
    maxlength={500}
    autofocus
  />
);

export const reasonFrom = (entry: Entry) => parsed(Reasoned, { reason: entry.text("reason") ?? "" });
