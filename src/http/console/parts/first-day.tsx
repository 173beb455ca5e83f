// The first day: what to do on a service that has no license yet.
import type { Child, FC } from "hono/jsx";
import { Badge, Card } from "../../ui/show.tsx";
import type { Visit } from "../visit.ts";

interface Step {
  what: Child;
  why: string;
  isDone?: boolean;
}

const stepsFor = ({ context, actor, can }: Visit): Step[] => [
  ...(can("access")
    ? [
        {
          what: <a href="/admin/settings/api-tokens/new">Create a token for yourself</a>,
          why: "ADMIN_TOKEN is for the first day: the record calls you by the name of your token.",
          isDone: actor.id !== "ADMIN_TOKEN",
        },
      ]
    : []),
  {
    what: <a href="/admin/settings/mail">See how your mail looks</a>,
    why: "Keys and notices go out under your name, color and sender.",
    isDone: context.config.mail.apiKey !== null,
  },
  {
    what: <a href="/admin/settings/license-types">Look at the license types</a>,
    why: "What a license of each type allows, and for how long.",
  },
  ...(can("licenses")
    ? [
        {
          what: <a href="/admin/licenses/new">Issue the first license</a>,
          why: "For a customer whom you enter with it. You get the key, or the customer gets it by mail.",
        },
        {
          what: <a href="/admin/imports">Or import customers and licenses</a>,
          why: "From a table: CSV, or what a spreadsheet saves.",
        },
      ]
    : []),
  {
    what: <a href="/docs">Build the client into your program</a>,
    why: "It activates with the key, and appears under Instances.",
  },
];

export const FirstDay: FC<{ visit: Visit }> = ({ visit }) => (
  <Card title="The first day">
    <ol class="list">
      {stepsFor(visit).map(({ what, why, isDone }) => (
        <li>
          <span class="what">{what}</span>
          {isDone ? <Badge tone="good">done</Badge> : <span />}
          <span class="second">{why}</span>
        </li>
      ))}
    </ol>
  </Card>
);
