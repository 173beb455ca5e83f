-- A customer's licenses by their end, the nearest first, without looking at those of others.
CREATE INDEX licenses_by_customer_and_expiry ON licenses (customer_id, expires_at, id) WHERE expires_at IS NOT NULL;
