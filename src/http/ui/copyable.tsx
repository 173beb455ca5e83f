// What is there to be copied: a long text, and an id in a row of a list.
import type { Child, FC } from "hono/jsx";

/** A long text to copy as it is; `children` are other ways to take it along. */
export const Copyable: FC<{ id: string; text: string; label: string; children?: Child }> = ({
  id,
  text,
  label,
  children,
}) => (
  <div class="copyable">
    <textarea id={id} class="code" readonly rows={6} aria-label={label} spellcheck={false}>
      {text}
    </textarea>
    <div class="actions">
      <button type="button" class="primary script" data-copy={id} aria-live="polite">
        Copy
      </button>
      {children}
    </div>
  </div>
);

/** An id of a row, cut where there is no room. console.js makes a button of it that copies all of it. */
export const CopyableId: FC<{ id: string }> = ({ id }) => <code class="id">{id}</code>;

/** The end of an id, which tells it from others: ids of one day begin alike. The joiner keeps it to a line. */
export const tailOf = (id: string): string => (id.length > 14 ? `…\u2060${id.slice(-6)}` : id);
