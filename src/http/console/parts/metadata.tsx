// Metadata as a field: free JSON.
import type { FC } from "hono/jsx";
import { invalid } from "../../../problems.ts";
import type { Metadata } from "../../../storage/schema.ts";
import type { Entry } from "../../ui/entry.ts";
import { TextArea } from "../../ui/form.tsx";
import { Facts } from "../../ui/show.tsx";

const written = (metadata: Metadata): string =>
  Object.keys(metadata).length === 0 ? "" : JSON.stringify(metadata, null, 2);

export const MetadataField: FC<{ entry: Entry; present?: Metadata | undefined }> = ({ entry, present }) => (
  <TextArea
    entry={entry}
    name="metadata"
    label="Metadata"
    hint='Your own references as JSON, such as {"crm": "4711"}. Searches find the values.'
    value={present ? written(present) : ""}
    code
    maxlength={8_192}
  />
);

/** Each value by its name. */
export const ShownMetadata: FC<{ metadata: Metadata }> = ({ metadata }) => {
  const entries = Object.entries(metadata);
  return entries.length === 0 ? null : (
    <>
      <h3>Metadata</h3>
      <Facts
        rows={entries.map(([name, value]) => [
          name,
          typeof value === "string" ? value : JSON.stringify(value),
        ])}
      />
    </>
  );
};

/** @throws Problem REQUEST_INVALID if it is not JSON */
export function metadataOf(entry: Entry): unknown {
  if (!entry.has("metadata")) return undefined;
  try {
    return JSON.parse(entry.text("metadata") ?? "{}");
  } catch {
    throw invalid("metadata", 'Must be JSON: {"name": "value"}');
  }
}
