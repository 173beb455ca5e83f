// /admin/settings/api-tokens: the tokens of programs, including those no longer valid.
import { type getApiToken, holds, listApiTokens } from "../../../access/tokens.ts";
import { Heading } from "../../ui/heading.tsx";
import type { Page } from "../mount.tsx";
import { Badge, Card, Pager, Table, When } from "../../ui/show.tsx";
import { SETTINGS } from "./settings.tsx";

export const TOKENS: [href: string, label: string] = ["/admin/settings/api-tokens", "API tokens"];

type ApiToken = Awaited<ReturnType<typeof getApiToken>>;

const state = (token: ApiToken, now: number) =>
  token.revoked_at !== null ? (
    <Badge tone="plain">revoked</Badge>
  ) : holds(token, now) ? (
    <Badge tone="good">active</Badge>
  ) : (
    <Badge tone="stop">expired</Badge>
  );

const list: Page = {
  path: TOKENS[0],
  access: "access",
  async show({ context, query, now, actor }) {
    const { data, next_cursor: next } = await listApiTokens(context, { limit: 50, cursor: query["cursor"] });
    return {
      title: "API tokens",
      section: "settings",
      body: (
        <>
          <Heading
            trail={[SETTINGS]}
            title="API tokens"
            lead="A token is shown once, when it is created. It cannot be recovered from what is stored."
            done={query["done"] === "revoked" ? "The token is revoked and refused from now on." : undefined}
            actions={
              <>
                <a class="button" href={`${TOKENS[0]}/new?role=viewer&expires=30&name=Auditor`}>
                  For an auditor: 30 days
                </a>
                <a class="button primary" href={`${TOKENS[0]}/new`}>
                  New token
                </a>
              </>
            }
          />
          <Card>
            <Table
              caption="API tokens"
              rows={data}
              empty="No token yet. Programs that call the API need one."
              columns={[
                {
                  label: "Token",
                  main: true,
                  cell: ({ id, name, role, prefix }) => (
                    <>
                      {name} {id === actor.id ? <Badge tone="info">you</Badge> : null}
                      <span class="second">
                        {role}, <code>{prefix}…</code>
                      </span>
                    </>
                  ),
                },
                { label: "State", cell: (token) => state(token, now) },
                { label: "Last used", minor: true, cell: (row) => <When at={row.last_used_at} now={now} /> },
                {
                  label: "Expires",
                  minor: true,
                  cell: (row) => <When at={row.expires_at} now={now} as="end" />,
                },
                {
                  label: "Revoke",
                  head: "",
                  cell: (token) =>
                    token.revoked_at === null ? (
                      <a
                        class="button danger small"
                        href={`${TOKENS[0]}/${token.id}/revoke`}
                        aria-label={`Revoke ${token.name}`}
                        data-dialog
                      >
                        Revoke
                      </a>
                    ) : (
                      <When at={token.revoked_at} now={now} />
                    ),
                },
              ]}
            />
            <Pager path={TOKENS[0]} query={query} next={next} count={data.length} />
          </Card>
        </>
      ),
    };
  },
};

export const apiTokenDoors = [list];
