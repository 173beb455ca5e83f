// Who may do what, written by hand, one line a call: method, path, and the lowest role that may. A list made from the
// declarations would agree with a mistake in them. A new call needs a line here, and a changed one a changed line.
import type { ROLES } from "../../src/storage/schema.ts";

type Role = (typeof ROLES)[number];

export interface Rule {
  method: string;
  /** As it is declared: /v1/admin/licenses/{id}. */
  path: string;
  lowest: Role;
}

const RANKS: Role[] = ["monitor", "viewer", "manager", "owner"];

/** Whether a role is at least as high as the lowest that may. */
export const may = (role: Role, { lowest }: Rule): boolean => RANKS.indexOf(role) >= RANKS.indexOf(lowest);

const rulesIn = (table: string): Rule[] =>
  table
    .trim()
    .split("\n")
    .map((line) => {
      const [method, path, lowest] = line.split(/ +/) as [string, string, Role];
      return { method, path, lowest };
    });

export const nameOf = ({ method, path }: Pick<Rule, "method" | "path">): string => `${method} ${path}`;

export const API = rulesIn(`
POST   /v1/admin/customers                           manager
GET    /v1/admin/customers                           viewer
GET    /v1/admin/customers/{id}                      viewer
PATCH  /v1/admin/customers/{id}                      manager
DELETE /v1/admin/customers/{id}                      manager
GET    /v1/admin/customers/{id}/usage                viewer
POST   /v1/admin/customers/{id}/sign-out             manager
POST   /v1/admin/customers/{id}/suspend              manager
POST   /v1/admin/customers/{id}/reinstate            manager
GET    /v1/admin/license-types                       viewer
GET    /v1/admin/license-types/{id}                  viewer
PUT    /v1/admin/license-types/{id}                  owner
DELETE /v1/admin/license-types/{id}                  owner
GET    /v1/admin/entitlements                        viewer
POST   /v1/admin/entitlements                        owner
GET    /v1/admin/entitlements/{code}                 viewer
PUT    /v1/admin/entitlements/{code}                 owner
PATCH  /v1/admin/entitlements/{code}                 owner
DELETE /v1/admin/entitlements/{code}                 owner
POST   /v1/admin/licenses                            manager
GET    /v1/admin/licenses                            viewer
GET    /v1/admin/licenses/{id}                       viewer
PATCH  /v1/admin/licenses/{id}                       manager
GET    /v1/admin/licenses/{id}/usage                 viewer
GET    /v1/admin/licenses/{id}/statements/{month}    viewer
PUT    /v1/admin/licenses/{id}/usage/{date}/{instance_id} manager
GET    /v1/admin/licenses/{id}/key                   manager
POST   /v1/admin/licenses/{id}/renew                 manager
POST   /v1/admin/licenses/{id}/suspend               manager
POST   /v1/admin/licenses/{id}/revoke                manager
POST   /v1/admin/licenses/{id}/reinstate             manager
POST   /v1/admin/licenses/{id}/reissue               manager
POST   /v1/admin/licenses/{id}/transfer              manager
GET    /v1/admin/licenses/{id}/pending-changes       viewer
DELETE /v1/admin/licenses/{id}/pending-changes/{change_id} manager
POST   /v1/admin/licenses/{id}/pending-changes/{change_id}/release manager
GET    /v1/admin/licenses/{id}/activations           viewer
GET    /v1/admin/licenses/{id}/events                viewer
GET    /v1/admin/licenses/{id}/refusals              viewer
POST   /v1/admin/licenses/{id}/offline-activations   manager
POST   /v1/admin/licenses/{id}/offline-deactivations manager
GET    /v1/admin/search                              viewer
GET    /v1/admin/attention                           viewer
GET    /v1/admin/attention/settled                   viewer
POST   /v1/admin/licenses/{id}/settle                manager
POST   /v1/admin/licenses/{id}/unsettle              manager
GET    /v1/admin/backups                             owner
POST   /v1/admin/backups                             owner
GET    /v1/admin/backups/{id}/pages                  owner
POST   /v1/admin/restores                            owner
PUT    /v1/admin/restores/{id}/pages/{table}/{page}  owner
POST   /v1/admin/restores/{id}/finish                owner
GET    /v1/admin/activations                         viewer
GET    /v1/admin/activations/{id}                    viewer
DELETE /v1/admin/activations/{id}                    manager
POST   /v1/admin/activations/{id}/clear-clone        manager
GET    /v1/admin/statistics                          viewer
GET    /v1/admin/statistics/instances                viewer
GET    /v1/admin/statistics/versions                 viewer
GET    /v1/admin/events                              viewer
GET    /v1/admin/audit-seals                         viewer
GET    /v1/admin/audit-seals/{id}                    viewer
GET    /v1/admin/audit-seals/status                  viewer
POST   /v1/admin/audit-seals/restart                 owner
POST   /v1/admin/api-tokens                          owner
GET    /v1/admin/api-tokens                          owner
DELETE /v1/admin/api-tokens/{id}                     owner
GET    /v1/admin/people                              owner
PUT    /v1/admin/people/{email}                      owner
DELETE /v1/admin/people/{email}                      owner
GET    /v1/admin/me                                  viewer
GET    /v1/admin/exports/licenses                    manager
GET    /v1/admin/exports/customers                   manager
GET    /v1/admin/exports/instances                   viewer
POST   /v1/admin/imports/customers                   manager
POST   /v1/admin/imports/licenses                    manager
POST   /v1/admin/licenses/{id}/send-email            manager
GET    /v1/admin/messages                            viewer
GET    /v1/admin/messages/{id}                       viewer
POST   /v1/admin/messages/{id}/retry                 manager
POST   /v1/admin/messages/{id}/replace               manager
POST   /v1/admin/messages/retry                      manager
GET    /v1/admin/requests                            viewer
GET    /v1/admin/requests/{id}                       viewer
POST   /v1/admin/requests/{id}/accept                manager
POST   /v1/admin/requests/{id}/decline               manager
POST   /v1/admin/customers/{id}/contacts             manager
GET    /v1/admin/customers/{id}/contacts             viewer
GET    /v1/admin/customers/{id}/contacts/{contact_id} viewer
PATCH  /v1/admin/customers/{id}/contacts/{contact_id} manager
DELETE /v1/admin/customers/{id}/contacts/{contact_id} manager
POST   /v1/admin/customers/{id}/contacts/{contact_id}/erase owner
POST   /v1/admin/customers/{id}/erase                owner
GET    /v1/admin/customers/{id}/data                 owner
GET    /v1/admin/health                              monitor
GET    /v1/admin/metrics                             monitor
POST   /v1/admin/webhook-endpoints                   owner
GET    /v1/admin/webhook-endpoints                   owner
GET    /v1/admin/webhook-endpoints/{id}              owner
PATCH  /v1/admin/webhook-endpoints/{id}              owner
DELETE /v1/admin/webhook-endpoints/{id}              owner
POST   /v1/admin/webhook-endpoints/{id}/rotate-secret owner
POST   /v1/admin/webhook-endpoints/{id}/test         owner
POST   /v1/admin/webhook-endpoints/{id}/replay       owner
GET    /v1/admin/webhook-endpoints/{id}/deliveries   owner
`);

export const CONSOLE = rulesIn(`
GET    /admin                                    viewer
GET    /admin/search                             viewer
GET    /admin/attention/settled                  viewer
POST   /admin/search                             viewer
GET    /admin/licenses                           viewer
GET    /admin/licenses/new                       manager
POST   /admin/licenses/new                       manager
GET    /admin/licenses/bulk                      manager
POST   /admin/licenses/bulk                      manager
GET    /admin/licenses/bulk-export               manager
POST   /admin/licenses/bulk-export               manager
GET    /admin/licenses/{id}                      viewer
GET    /admin/licenses/{id}/key                  manager
GET    /admin/licenses/{id}/key/file             manager
GET    /admin/licenses/{id}/statements/{month}   viewer
GET    /admin/licenses/{id}/settle/{kind}         manager
POST   /admin/licenses/{id}/settle/{kind}         manager
GET    /admin/licenses/{id}/unsettle/{kind}       manager
POST   /admin/licenses/{id}/unsettle/{kind}       manager
GET    /admin/licenses/{id}/usage.csv               viewer
GET    /admin/licenses/{id}/usage                   viewer
GET    /admin/customers/{id}/usage.csv              viewer
GET    /admin/customers/{id}/usage                  viewer
GET    /admin/figures                               viewer
GET    /admin/figures/{id}                          viewer
GET    /admin/licenses/{id}/edit                 manager
POST   /admin/licenses/{id}/edit                 manager
GET    /admin/licenses/{id}/renew                manager
POST   /admin/licenses/{id}/renew                manager
GET    /admin/licenses/{id}/correct-usage        manager
POST   /admin/licenses/{id}/correct-usage        manager
GET    /admin/licenses/{id}/suspend              manager
POST   /admin/licenses/{id}/suspend              manager
GET    /admin/licenses/{id}/revoke               manager
POST   /admin/licenses/{id}/revoke               manager
GET    /admin/licenses/{id}/reinstate            manager
POST   /admin/licenses/{id}/reinstate            manager
GET    /admin/licenses/{id}/reissue              manager
POST   /admin/licenses/{id}/reissue              manager
GET    /admin/licenses/{id}/transfer             manager
POST   /admin/licenses/{id}/transfer             manager
GET    /admin/licenses/{id}/changes/{change_id}/cancel  manager
POST   /admin/licenses/{id}/changes/{change_id}/cancel  manager
GET    /admin/licenses/{id}/changes/{change_id}/release manager
POST   /admin/licenses/{id}/changes/{change_id}/release manager
GET    /admin/licenses/{id}/send                 manager
POST   /admin/licenses/{id}/send                 manager
GET    /admin/imports                            manager
POST   /admin/imports                            manager
GET    /admin/imports/check                      manager
POST   /admin/imports/check                      manager
GET    /admin/exports/licenses                   manager
POST   /admin/exports/licenses                   manager
GET    /admin/exports/customers                  manager
POST   /admin/exports/customers                  manager
GET    /admin/exports/instances                     viewer
POST   /admin/exports/instances                     viewer
GET    /admin/customers                          viewer
GET    /admin/customers/new                      manager
POST   /admin/customers/new                      manager
GET    /admin/customers/{id}                     viewer
GET    /admin/customers/{id}/edit                manager
POST   /admin/customers/{id}/edit                manager
GET    /admin/customers/{id}/contacts/new        manager
POST   /admin/customers/{id}/contacts/new        manager
GET    /admin/customers/{id}/contacts/{contact_id}/edit manager
POST   /admin/customers/{id}/contacts/{contact_id}/edit manager
GET    /admin/customers/{id}/contacts/{contact_id}/remove manager
POST   /admin/customers/{id}/contacts/{contact_id}/remove manager
GET    /admin/customers/{id}/contacts/{contact_id}/erase owner
POST   /admin/customers/{id}/contacts/{contact_id}/erase owner
GET    /admin/customers/{id}/erase                owner
POST   /admin/customers/{id}/erase                owner
GET    /admin/customers/{id}/data                 owner
POST   /admin/customers/{id}/data                 owner
GET    /admin/customers/{id}/sign-out            manager
POST   /admin/customers/{id}/sign-out            manager
GET    /admin/customers/{id}/suspend             manager
POST   /admin/customers/{id}/suspend             manager
GET    /admin/customers/{id}/reinstate           manager
POST   /admin/customers/{id}/reinstate           manager
GET    /admin/customers/{id}/delete              manager
POST   /admin/customers/{id}/delete              manager
GET    /admin/instances                          viewer
GET    /admin/instances/{id}                     viewer
GET    /admin/instances/{id}/free                manager
POST   /admin/instances/{id}/free                manager
GET    /admin/instances/{id}/clear-clone         manager
POST   /admin/instances/{id}/clear-clone         manager
GET    /admin/requests                           viewer
GET    /admin/requests/{id}                      viewer
GET    /admin/requests/{id}/accept               manager
POST   /admin/requests/{id}/accept               manager
GET    /admin/requests/{id}/decline              manager
POST   /admin/requests/{id}/decline              manager
GET    /admin/messages                           viewer
GET    /admin/messages/retry                     manager
POST   /admin/messages/retry                     manager
GET    /admin/messages/{id}                      viewer
GET    /admin/messages/{id}/body                 viewer
GET    /admin/messages/{id}/retry                manager
POST   /admin/messages/{id}/retry                manager
GET    /admin/messages/{id}/replace              manager
POST   /admin/messages/{id}/replace              manager
GET    /admin/activity                           viewer
GET    /admin/activity/seals                     viewer
GET    /admin/activity/seals/restart             owner
POST   /admin/activity/seals/restart             owner
GET    /admin/activity/seals/{id}                viewer
GET    /admin/brand.css                          viewer
GET    /admin/air-gap                            viewer
POST   /admin/air-gap                            viewer
GET    /admin/air-gap/receipt                    manager
POST   /admin/air-gap/receipt                    manager
GET    /admin/air-gap/license-file               manager
POST   /admin/air-gap/license-file               manager
GET    /admin/air-gap/license-file/download      manager
POST   /admin/air-gap/license-file/download      manager
GET    /admin/settings                           viewer
GET    /admin/settings/view                      viewer
POST   /admin/settings/view                      viewer
GET    /admin/settings/columns/{list}            viewer
POST   /admin/settings/columns/{list}            viewer
GET    /admin/settings/signing-keys              viewer
GET    /admin/settings/entitlements              viewer
GET    /admin/settings/new-entitlement           owner
POST   /admin/settings/new-entitlement           owner
GET    /admin/settings/entitlements/{code}/edit  owner
POST   /admin/settings/entitlements/{code}/edit  owner
GET    /admin/settings/entitlements/{code}/delete owner
POST   /admin/settings/entitlements/{code}/delete owner
GET    /admin/settings/license-types             viewer
GET    /admin/settings/license-types/{id}        viewer
GET    /admin/settings/new-license-type          owner
POST   /admin/settings/new-license-type          owner
GET    /admin/settings/license-types/{id}/edit   owner
POST   /admin/settings/license-types/{id}/edit   owner
GET    /admin/settings/license-types/{id}/delete owner
POST   /admin/settings/license-types/{id}/delete owner
GET    /admin/settings/api-tokens                owner
GET    /admin/settings/api-tokens/new            owner
POST   /admin/settings/api-tokens/new            owner
GET    /admin/settings/api-tokens/{id}/revoke    owner
POST   /admin/settings/api-tokens/{id}/revoke    owner
GET    /admin/settings/people                    owner
GET    /admin/settings/people/new                owner
POST   /admin/settings/people/new                owner
GET    /admin/settings/people/{email}/role       owner
POST   /admin/settings/people/{email}/role       owner
GET    /admin/settings/people/{email}/remove     owner
POST   /admin/settings/people/{email}/remove     owner
GET    /admin/settings/webhook-endpoints         owner
GET    /admin/settings/webhook-endpoints/new     owner
POST   /admin/settings/webhook-endpoints/new     owner
GET    /admin/settings/webhook-endpoints/{id}    owner
GET    /admin/settings/webhook-endpoints/{id}/edit owner
POST   /admin/settings/webhook-endpoints/{id}/edit owner
GET    /admin/settings/webhook-endpoints/{id}/test owner
POST   /admin/settings/webhook-endpoints/{id}/test owner
GET    /admin/settings/webhook-endpoints/{id}/replay owner
POST   /admin/settings/webhook-endpoints/{id}/replay owner
GET    /admin/settings/webhook-endpoints/{id}/rotate-secret owner
POST   /admin/settings/webhook-endpoints/{id}/rotate-secret owner
GET    /admin/settings/webhook-endpoints/{id}/delete owner
POST   /admin/settings/webhook-endpoints/{id}/delete owner
GET    /admin/settings/mail                      viewer
GET    /admin/settings/mail/preview              viewer
GET    /admin/settings/mail/preview/body         viewer
GET    /admin/settings/mail/preview/send         manager
POST   /admin/settings/mail/preview/send         manager
`);
