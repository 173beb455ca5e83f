// What staff note about a customer or a license: their tags and notes.
import type { FC } from "hono/jsx";
import type { Entry } from "../../ui/entry.ts";
import { Field, TextArea } from "../../ui/form.tsx";
import { Badge } from "../../ui/show.tsx";

interface Noted {
  tags: string[];
  notes: string | null;
}

export const NotedFields: FC<{ entry: Entry; present?: Noted | undefined }> = ({ entry, present }) => (
  <>
    <Field
      entry={entry}
      name="tags"
      label="Tags"
      hint="Up to 20, separated by blanks or commas: lower-case letters, digits, dots, hyphens, underscores."
      value={present?.tags.join(" ")}
      maxlength={700}
    />
    <TextArea
      entry={entry}
      name="notes"
      label="Notes"
      hint="For staff alone: in no key, mail, or answer to an instance."
      value={present?.notes ?? ""}
      maxlength={4_000}
    />
  </>
);

/** Only the fields that the form had. */
export const notedOf = (entry: Entry) => ({
  tags: entry.has("tags") ? entry.words("tags") : undefined,
  notes: entry.has("notes") ? (entry.text("notes") ?? null) : undefined,
});

/** The tags, each a link to the list of `path` with this tag, and the notes. */
export const ShownNotes: FC<{ path: string; noted: Noted }> = ({ path, noted: { tags, notes } }) => (
  <>
    {tags.length === 0 ? null : (
      <div class="badges">
        {tags.map((tag) => (
          <a href={`${path}?tag=${encodeURIComponent(tag)}`}>
            <Badge tone="plain">{tag}</Badge>
          </a>
        ))}
      </div>
    )}
    {notes === null ? null : (
      <>
        <h3>Notes</h3>
        <p class="words">{notes}</p>
      </>
    )}
  </>
);
