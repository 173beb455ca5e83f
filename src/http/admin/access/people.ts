// /v1/admin/people
import { listPeople, PersonInput, presentPerson, removePerson, setPerson } from "../../../access/people.ts";
import { PageQuery } from "../../../kernel/pages.ts";
import { endpoint } from "../../endpoint.ts";
import * as examples from "../examples.ts";
import { EmailParam, Person } from "./schemas.ts";
import { pageOf } from "../schemas.ts";

export const peopleEndpoints = [
  endpoint(
    {
      method: "get",
      path: "/v1/admin/people",
      tag: "Admin",
      summary: "List the people who may sign in through Cloudflare Access",
      access: "access",
      query: PageQuery,
      answer: {
        status: 200,
        description: "A page of people by e-mail address.",
        schema: pageOf(Person),
        example: { data: [examples.person], next_cursor: null },
      },
    },
    async ({ http, context, query }) => {
      const page = await listPeople(context, query);
      return http.json({ ...page, data: page.data.map(presentPerson) });
    },
  ),
  endpoint(
    {
      method: "put",
      path: "/v1/admin/people/{email}",
      tag: "Admin",
      summary: "Give a person a role",
      description:
        "The address is stored in lower case. The last way in for an owner cannot be removed: without ADMIN_TOKEN, at least one owner or one owner's API token must remain.",
      access: "access",
      params: EmailParam,
      body: { schema: PersonInput, example: examples.personInput },
      answer: {
        status: 200,
        description: "The person has the role.",
        created: "The person has the role, and had none before.",
        schema: Person,
        example: examples.person,
      },
      refusals: ["CONFLICT"],
    },
    async ({ http, context, params, body }) => {
      const { person, added } = await setPerson(context, params.email, body);
      return http.json(presentPerson(person), added ? 201 : 200);
    },
  ),
  endpoint(
    {
      method: "delete",
      path: "/v1/admin/people/{email}",
      tag: "Admin",
      summary: "Remove a person's role",
      access: "access",
      params: EmailParam,
      answer: { status: 204, description: "The person no longer has a role." },
      refusals: ["NOT_FOUND", "CONFLICT"],
    },
    async ({ http, context, params }) => {
      await removePerson(context, params.email);
      return http.body(null, 204);
    },
  ),
];
