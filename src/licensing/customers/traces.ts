// Where others speak of a customer: installations that were refused, and receivers that were told of its events. SQL.

/** Whether an event is about the customer, one of its licenses, or a mail to it, or names the customer. */
export const isAbout = (event: string, customer: string): string => `(
  ${event}.entity_type = 'customer' AND ${event}.entity_id = ${customer}
  OR ${event}.entity_type = 'license'
    AND EXISTS (SELECT 1 FROM licenses l WHERE l.id = ${event}.entity_id AND l.customer_id = ${customer})
  OR ${event}.entity_type = 'message'
    AND EXISTS (SELECT 1 FROM messages m WHERE m.id = ${event}.entity_id AND m.customer_id = ${customer})
  OR instr(${event}.detail, json_quote(${customer})) > 0)`;

/** Of the customer, each license with a refusal that says where its installation runs. */
export const placesOf = (customer: string): string => `
  SELECT l.id FROM licenses l CROSS JOIN license_refusals r ON r.license_id = l.id
  WHERE l.customer_id = ${customer} AND EXISTS (
    SELECT 1 FROM json_each(r.refusals) one
    WHERE one.value ->> 'hostname' IS NOT NULL OR one.value ->> 'ip' IS NOT NULL)`;

/** What replaces the reason for which a receiver was not reached. With a status, the reason says nothing more. */
export const ERASED_REASON = "Erased.";

/** The deliveries of the customer's events of which something is kept that the receiver said. There are few deliveries. */
export const answersOf = (customer: string): string => `
  SELECT d.endpoint_id, d.number FROM webhook_deliveries d CROSS JOIN events e ON e.id = d.event_id
  WHERE (d.answer <> '' OR d.status IS NULL AND d.error <> '${ERASED_REASON}') AND ${isAbout("e", customer)}`;
