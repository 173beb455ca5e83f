// /admin/settings/people: who signs in through Cloudflare Access and what they may do.
import { listPeople } from "../../../access/people.ts";
import { Heading } from "../../ui/heading.tsx";
import type { Page } from "../mount.tsx";
import { Badge, Card, Pager, Table, When } from "../../ui/show.tsx";
import { SETTINGS } from "./settings.tsx";

export const PEOPLE: [href: string, label: string] = ["/admin/settings/people", "People and roles"];

const DONE: Record<string, string> = {
  added: "The person is added and can sign in.",
  changed: "The role is changed, from the next request on.",
  removed: "The person no longer has a role.",
};

const pathOf = (email: string): string => `${PEOPLE[0]}/${encodeURIComponent(email)}`;

const list: Page = {
  path: PEOPLE[0],
  access: "access",
  async show({ context, query, now, actor }) {
    const { data, next_cursor: next } = await listPeople(context, { limit: 50, cursor: query["cursor"] });
    return {
      title: "People and roles",
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS]}
            title="People and roles"
            lead="People sign in through Cloudflare Access, with the role that they have here."
            done={DONE[query["done"] ?? ""]}
            actions={
              <a class="button primary" href={`${PEOPLE[0]}/new`} data-dialog>
                Add a person
              </a>
            }
          />
          {context.config.access === null ? (
            <p class="note warn">
              Cloudflare Access is not configured, so nobody can sign in with their address yet. Until then,
              people sign in with an <a href="/admin/settings/api-tokens">API token</a>.
            </p>
          ) : null}
          <Card>
            <div class="piled">
              <Table
                caption="People"
                rows={data}
                empty="Nobody has a role yet. Add the people who sign in through Cloudflare Access."
                columns={[
                  {
                    label: "Person",
                    main: true,
                    cell: ({ email, role }) => (
                      <>
                        {email} {email === actor.id ? <Badge tone="info">you</Badge> : null}
                        <span class="second">{role}</span>
                      </>
                    ),
                  },
                  {
                    label: "Since",
                    minor: true,
                    cell: (person) => <When at={person.updated_at} now={now} />,
                  },
                  {
                    label: "Actions",
                    head: "",
                    cell: ({ email }) => (
                      <div class="actions">
                        <a
                          class="button small"
                          href={`${pathOf(email)}/role`}
                          aria-label={`Change role of ${email}`}
                          data-dialog
                        >
                          Change role
                        </a>
                        <a
                          class="button danger small"
                          href={`${pathOf(email)}/remove`}
                          aria-label={`Remove ${email}`}
                          data-dialog
                        >
                          Remove
                        </a>
                      </div>
                    ),
                  },
                ]}
              />
            </div>
            <Pager path={PEOPLE[0]} query={query} next={next} count={data.length} />
          </Card>
        </>
      ),
    };
  },
};

export const peopleDoors = [list];
