// The head of a page of either site.
import type { Child, FC } from "hono/jsx";

/** The head of a page: its place, its title, its actions, and what was just done. */
export const Heading: FC<{
  title: Child;
  lead?: Child;
  /** The pages above it. */
  trail?: [href: string, label: string][];
  actions?: Child;
  /** What the form that led here did. */
  done?: Child;
}> = ({ title, lead, trail = [], actions, done }) => (
  <>
    {trail.length > 0 ? (
      <nav class="trail" aria-label="Breadcrumb">
        {trail.map(([href, label]) => (
          <a href={href}>{label}</a>
        ))}
      </nav>
    ) : null}
    <div class="heading">
      <div>
        <h1>{title}</h1>
        {lead ? <p class="lead">{lead}</p> : null}
      </div>
      {actions ? <div class="actions">{actions}</div> : null}
    </div>
    {done ? (
      <p class="note good" role="status">
        {done}
      </p>
    ) : null}
  </>
);
