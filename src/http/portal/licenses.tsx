// /portal: the licenses of the customer.
import { ownLicenses } from "../../licensing/portal/own.ts";
import { standingOf } from "../../licensing/licenses/standing.ts";
import { Meter } from "../ui/seats.tsx";
import { StandingBadge, Table, When } from "../ui/show.tsx";
import type { Page } from "./mount.tsx";
import { Heading } from "../ui/heading.tsx";

export const licenseList: Page = {
  path: "/portal",
  access: "licenses",
  async show({ context, query, now, session }) {
    const { rows, next } = await ownLicenses(context, query["after"]);
    return {
      title: "Licenses",
      body: (
        <>
          <Heading title="Licenses" lead={session.customerName} />
          <section class="card">
            <div class="piled ends">
              <Table
                caption="Your licenses"
                rows={rows}
                empty="There is no license here. If you expected one, ask us."
                columns={[
                  {
                    label: "License",
                    main: true,
                    cell: ({ id, license_type }) => (
                      <>
                        <a href={`/portal/licenses/${id}`}>{license_type}</a>
                        <code class="second">{id}</code>
                      </>
                    ),
                  },
                  {
                    label: "State",
                    cell: (license) => <StandingBadge standing={standingOf(license, now)} />,
                  },
                  {
                    label: "Seats",
                    cell: ({ seated, max_instances, id }) => (
                      <Meter used={seated} limit={max_instances} label={`Seats of ${id}`} />
                    ),
                  },
                  {
                    label: "Valid through",
                    cell: ({ expires_at }) => (
                      <When at={expires_at} now={now} as="end" none="without an end" />
                    ),
                  },
                ]}
              />
            </div>
            {next === null ? null : (
              <nav class="pager" aria-label="Pages">
                <span />
                <a class="button" href={`/portal?after=${encodeURIComponent(next)}`} rel="next">
                  Next page
                </a>
              </nav>
            )}
          </section>
        </>
      ),
    };
  },
};
